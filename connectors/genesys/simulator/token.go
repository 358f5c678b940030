package simulator

import (
	"net/http"
	"time"
)

const tokenPath = "/oauth/token"

// token is the login: client credentials for a token that ends.
func (r *Region) token(w http.ResponseWriter, req *http.Request) {
	id, secret, ok := req.BasicAuth()
	for _, o := range r.orgs {
		if ok && o.config.ClientID == id {
			o.login(w, req, secret)
			return
		}
	}
	refuse(w, http.StatusBadRequest, "invalid_client", "client not found")
}

func (o *Org) login(w http.ResponseWriter, req *http.Request, secret string) {
	now := o.config.Now()
	if f := o.door.fault(req, now); f != nil {
		f.serve(w, req)
		return
	}
	switch token, ok := o.door.issue(now); {
	case req.Method != http.MethodPost || req.FormValue("grant_type") != "client_credentials":
		refuse(w, http.StatusBadRequest, "unsupported_grant_type", "grant_type must be client_credentials")
	case secret != o.config.ClientSecret:
		refuse(w, http.StatusUnauthorized, "invalid_client", "client authentication failed")
	case !ok:
		refuse(w, http.StatusBadRequest, "invalid_request", "rate limit exceeded; too many token requests for this client")
	default:
		reply(w, http.StatusOK, object{"access_token": token, "token_type": "bearer", "expires_in": int(o.config.Limits.TokenTTL / time.Second)})
	}
}

// refuse answers as the login does, which is not as the API does.
func refuse(w http.ResponseWriter, status int, code, description string) {
	reply(w, status, object{"error": code, "description": description, "error_description": description})
}
