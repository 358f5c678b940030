package simulator

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

type endlessKey struct{}

func withEndless(ctx context.Context) context.Context {
	return context.WithValue(ctx, endlessKey{}, true)
}

func endless(r *http.Request) bool { return r.Context().Value(endlessKey{}) != nil }

// list answers with a page of all, rendered one by one.
func list[T any](o *Org, r *http.Request, all []T, render func(T) object) (any, error) {
	query := r.URL.Query()
	size, ok := number(query, "pageSize", 25, o.config.Limits.PageSize)
	page, fine := number(query, "pageNumber", 1, 1<<30)
	if !ok || !fine {
		return nil, errBad("pageSize must be between 1 and %d, pageNumber at least 1", o.config.Limits.PageSize)
	}
	pages := (len(all) + size - 1) / size
	from := min((page-1)*size, len(all))
	if endless(r) {
		from, pages = 0, page+1
	}
	entities := []object{}
	for _, one := range all[from:min(from+size, len(all))] {
		entities = append(entities, render(one))
	}
	answer := object{
		"entities": entities, "pageSize": size, "pageNumber": page, "total": len(all), "pageCount": pages,
		"selfUri": r.URL.RequestURI(),
	}
	if page < pages {
		answer["nextUri"] = at(r.URL, page+1)
	}
	if page > 1 {
		answer["previousUri"] = at(r.URL, page-1)
	}
	return answer, nil
}

func at(u *url.URL, page int) string {
	query := u.Query()
	query.Set("pageNumber", strconv.Itoa(page))
	return u.Path + "?" + query.Encode()
}

// number reads a query parameter between 1 and most.
func number(query url.Values, key string, value, most int) (int, bool) {
	if !query.Has(key) {
		return value, true
	}
	n, err := strconv.Atoi(query.Get(key))
	return n, err == nil && n >= 1 && n <= most
}

// wanted reads a parameter that names several: id=a,b or id=a&id=b. Empty: all.
func wanted(query url.Values, key string) func(string) bool {
	var all []string
	for _, v := range query[key] {
		all = append(all, strings.Split(v, ",")...)
	}
	return func(value string) bool { return len(all) == 0 || slices.Contains(all, value) }
}

// matches compares a name as the API does: without regard to case, a * stands
// for anything at the end.
func matches(pattern, name string) bool {
	pattern, name = strings.ToLower(pattern), strings.ToLower(name)
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(name, prefix)
	}
	return pattern == "" || pattern == name
}

func filter[T any](all []T, keep func(T) bool) []T {
	var kept []T
	for _, one := range all {
		if keep(one) {
			kept = append(kept, one)
		}
	}
	return kept
}
