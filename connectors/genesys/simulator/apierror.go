package simulator

import (
	"fmt"
	"net/http"
	"strings"
)

// apiError is an answer that says what went wrong, in Genesys's shape.
type apiError struct {
	status        int
	code, message string
}

func (e *apiError) Error() string { return e.code }

var (
	errNoToken  = &apiError{401, "authentication.required", "No authentication bearer token specified in authorization header."}
	errBadToken = &apiError{401, "bad.credentials", "Invalid login credentials."}
	errNotFound = &apiError{404, "not.found", "The requested resource was not found."}
)

func errBad(format string, args ...any) *apiError {
	return &apiError{400, "bad.request", fmt.Sprintf(format, args...)}
}

func errForbidden(permissions []string) *apiError {
	return &apiError{403, "missing.any.permissions",
		"Unable to perform the requested action. You must have at least one of the following permissions assigned: [" + strings.Join(permissions, ", ") + "]"}
}

// fail answers with an error. The correlation id was set before, if the call got
// that far.
func fail(w http.ResponseWriter, e *apiError) {
	id := w.Header().Get("inin-correlation-id")
	if id == "" {
		id = "00000000-0000-4000-8000-000000000000"
		w.Header().Set("inin-correlation-id", id)
	}
	reply(w, e.status, object{
		"message": e.message, "code": e.code, "status": e.status, "contextId": id, "details": []any{}, "errors": []any{},
	})
}
