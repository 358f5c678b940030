package simulator

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Permissions that calls need.
const (
	viewCommunication   = "conversation:communication:view"
	viewMessage         = "conversation:message:view"
	viewWebmessaging    = "conversation:webmessaging:view"
	disconnectAny       = "conversation:communication:disconnect"
	blindTransfer       = "conversation:communication:blindTransfer"
	blindTransferQueue  = "conversation:communication:blindTransferQueue"
	wrapUpParticipant   = "conversation:participant:wrapup"
	recordCall          = "conversation:call:record"
	parkEmail           = "conversation:email:park"
	parkMessage         = "conversation:message:park"
	viewDetail          = "analytics:conversationDetail:view"
	viewAgentDetail     = "analytics:agentConversationDetail:view"
	viewQueue           = "routing:queue:view"
	searchQueue         = "routing:queue:search"
	viewWrapUpCode      = "routing:wrapupCode:view"
	viewSchedule        = "routing:schedule:view"
	viewScheduleGroup   = "routing:scheduleGroup:view"
	viewThreadSettings  = "conversation:emailThreadingSettings:view"
	viewThreadTimelines = "conversation:threadingTimeline:view"
)

// route is a call of the API: any of some permissions is needed.
type route struct {
	pattern     string
	permissions []string
	serve       func(*Org, *http.Request) (any, error)
	status      int
}

// none marks reads that document no permission.
var none []string

// routes are the calls that there are; everything else is not found.
func routes() []route {
	const conv = "/api/v2/conversations"
	const details = "/api/v2/analytics/conversations"
	detail := []string{viewDetail, viewAgentDetail}
	messages := []string{viewMessage, viewWebmessaging}
	patch := []string{wrapUpParticipant, recordCall, disconnectAny}
	all := []route{
		{"GET " + conv + "/{conversation}", []string{viewCommunication}, (*Org).getConversation, 200},
		{"DELETE " + conv + "/{conversation}", []string{disconnectAny}, (*Org).disconnectConversation, 204},
		{"POST " + conv + "/{conversation}/disconnect", []string{disconnectAny}, (*Org).disconnectConversation, 202},
		{"POST " + conv + "/{conversation}/participants/{participant}/replace/queue", []string{blindTransfer, blindTransferQueue}, (*Org).replace, 202},
		{"GET " + conv + "/emails/{conversation}/messages", none, (*Org).listEmails, 200},
		{"GET " + conv + "/emails/{conversation}/messages/{message}", none, (*Org).getEmail, 200},
		{"GET " + conv + "/messages/{conversation}/messages/{message}", messages, (*Org).getMessage, 200},
		{"GET " + conv + "/messages/{message}/details", messages, (*Org).getMessage, 200},
		{"POST " + conv + "/messages/{conversation}/messages/bulk", messages, (*Org).bulkMessages, 200},
		{"GET /api/v2/emails/settings/threading", []string{viewThreadSettings}, (*Org).emailThreading, 200},
		{"GET " + conv + "/messaging/threadingtimeline", []string{viewThreadTimelines}, (*Org).messageThreading, 200},
		{"GET " + details + "/{conversation}/details", detail, (*Org).getDetails, 200},
		{"GET " + details + "/details", detail, (*Org).listDetails, 200},
		{"POST " + details + "/details/query", detail, (*Org).queryDetails, 200},
		{"GET /api/v2/users", none, (*Org).listUsers, 200},
		{"GET /api/v2/users/{user}", none, (*Org).getUser, 200},
		{"GET /api/v2/routing/queues", []string{viewQueue}, (*Org).listQueues, 200},
		{"GET /api/v2/routing/queues/{queue}", []string{viewQueue}, (*Org).getQueue, 200},
		{"GET /api/v2/routing/queues/divisionviews/all", []string{searchQueue}, (*Org).listQueuesLight, 200},
		{"GET /api/v2/routing/wrapupcodes", []string{viewWrapUpCode}, (*Org).listWrapUpCodes, 200},
		{"GET /api/v2/authorization/divisions", none, (*Org).listDivisions, 200},
		{"GET /api/v2/authorization/divisions/{division}", none, (*Org).getDivision, 200},
		{"GET /api/v2/architect/schedules", []string{viewSchedule}, (*Org).listSchedules, 200},
		{"GET /api/v2/architect/schedules/{schedule}", []string{viewSchedule}, (*Org).getSchedule, 200},
		{"GET /api/v2/architect/schedulegroups", []string{viewScheduleGroup}, (*Org).listGroups, 200},
		{"GET /api/v2/architect/schedulegroups/{group}", []string{viewScheduleGroup}, (*Org).getGroup, 200},
	}
	for _, media := range []string{"emails", "messages"} {
		park := map[string]string{"emails": parkEmail, "messages": parkMessage}[media]
		one := conv + "/" + media + "/{conversation}"
		all = append(all,
			route{"GET " + one, none, (*Org).getMediaConversation, 200},
			route{"PATCH " + one, []string{disconnectAny}, (*Org).patchConversation, 202},
			route{"PATCH " + one + "/participants/{participant}", slices.Concat(patch, []string{park}), (*Org).patchParticipant, 204},
			route{"PATCH " + one + "/participants/{participant}/parkingstate", []string{park}, (*Org).patchParking, 204},
			route{"POST " + one + "/participants/{participant}/replace", []string{blindTransfer}, (*Org).replace, 202},
		)
	}
	return all
}

// AllPermissions returns every permission that a call needs.
func AllPermissions() []string {
	var all []string
	for _, r := range routes() {
		all = append(all, r.permissions...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// newMux routes the calls of an organisation.
func (o *Org) newMux() *http.ServeMux {
	mux := http.NewServeMux()
	for _, r := range routes() {
		mux.HandleFunc(r.pattern, func(w http.ResponseWriter, req *http.Request) {
			status := o.answer(w, req, r)
			o.door.count(fmt.Sprintf("%s %d", r.pattern, status))
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fail(w, errNotFound) })
	return mux
}

// serve answers a call with a token that this organisation has issued.
func (o *Org) serve(w http.ResponseWriter, r *http.Request, token string) {
	now := o.config.Now()
	f := o.door.fault(r, now)
	switch {
	case f == nil:
	case f.Kind == Slow:
		select {
		case <-time.After(f.Wait):
		case <-r.Context().Done():
			return
		}
	case f.Kind == Endless:
		r = r.WithContext(withEndless(r.Context()))
	default:
		f.serve(w, r)
		return
	}
	if e := o.door.admit(w, token, o.config.Now()); e != nil {
		fail(w, e)
		return
	}
	o.mux.ServeHTTP(w, r)
}

func (o *Org) answer(w http.ResponseWriter, r *http.Request, to route) (status int) {
	permissions := to.permissions
	if permissions == nil && o.config.Unknowns.ReadsNeedPermission {
		permissions = []string{viewCommunication}
	}
	if !o.door.may(permissions) {
		fail(w, errForbidden(permissions))
		return http.StatusForbidden
	}
	body, err := o.perform(r, to)
	if e, ok := errors.AsType[*apiError](err); ok {
		fail(w, e)
		return e.status
	}
	reply(w, to.status, body)
	return to.status
}

func (o *Org) perform(r *http.Request, to route) (any, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.advance(o.config.Now())
	return to.serve(o, r)
}
