package simulator

import (
	"encoding/json"
	"net/http"
	"strings"
)

// Region is the API of one Genesys region and its login, for any number of
// organisations: paths below /api/v2 and /oauth/token. The token says whose data
// a call sees.
type Region struct{ orgs []*Org }

// NewRegion returns the API of orgs.
func NewRegion(orgs ...*Org) *Region { return &Region{orgs} }

// ServeHTTP implements http.Handler.
func (r *Region) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.URL.Path == tokenPath {
		r.token(w, req)
		return
	}
	token, ok := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer ")
	if !ok {
		fail(w, errNoToken)
		return
	}
	for _, o := range r.orgs {
		if o.door.issued(token) {
			o.serve(w, req, token)
			return
		}
	}
	fail(w, errBadToken)
}

// reply writes an answer of the API; nil is an empty one.
func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if body != nil {
		_ = json.NewEncoder(w).Encode(body) // who asked may have gone
	}
}

// object is a JSON object of an answer. What there is not is left out.
type object map[string]any

func (o object) set(key string, value any) {
	if value != "" && value != nil {
		o[key] = value
	}
}
