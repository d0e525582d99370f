package slacksim

import (
	"mime"
	"net/http"
	"strings"
	"time"
)

// WebhookURL is the address of the app's incoming webhook for a channel, once the app was installed with the scope
// incoming-webhook there. Its last part, which is a secret at Slack, is the channel's ID here.
func (s *Server) WebhookURL(channel string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.publicBase() + "/services/" + s.opt.TeamID + "/" + s.opt.BotID + "/" + channel
}

// webhookStatus are the refusals of an incoming webhook, with their HTTP status; the body is the code, as plain text
// (docs.slack.dev/messaging/sending-messages-using-incoming-webhooks, "Handling errors").
var webhookStatus = map[string]int{
	"invalid_payload": http.StatusBadRequest, "no_text": http.StatusBadRequest,
	"too_many_attachments": http.StatusBadRequest,
	"invalid_blocks":       http.StatusBadRequest, "invalid_attachments": http.StatusBadRequest,
	"invalid_token": http.StatusForbidden, "action_prohibited": http.StatusForbidden,
	"no_team": http.StatusNotFound, "no_service": http.StatusNotFound, "channel_not_found": http.StatusNotFound,
	"channel_is_archived": http.StatusGone,
}

func (s *Server) serveWebhook(w http.ResponseWriter, r *http.Request) {
	args, bad := readArgs(r)
	s.mu.Lock()
	s.callSeq++
	id := s.callSeq
	s.calls = append(s.calls, Call{ID: id, Time: time.Now(), Method: "incoming_webhook", HTTP: r.Method,
		Args: args.redacted(s.opt), Token: "none"})
	s.calls = newest(s.calls)
	s.guessed = requestBase(r)
	path := strings.Split(strings.TrimPrefix(r.URL.Path, "/services/"), "/")
	fault := s.takeFault("incoming_webhook", onAPI, s.placeName(path[len(path)-1]))
	s.touch()
	s.mu.Unlock()
	s.answer(w, r, id, fault, func() (obj, int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		code := s.hook(r, path, args, bad)
		s.touch()
		if code == "" {
			return obj{"ok": true, plainKey: "ok"}, http.StatusOK
		}
		return obj{"ok": false, "error": code, plainKey: code}, webhookStatus[code]
	})
}

// hook posts what an incoming webhook was sent and returns the code of what is wrong with it, "" for nothing. An app's
// webhook cannot choose another channel, name or icon: these are ignored.
func (s *Server) hook(r *http.Request, path []string, args params, bad *apiError) string {
	inner, ok := args.json("payload")
	if ok && asObj(inner) != nil {
		args = asObj(inner) // the old form encoding
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "application/x-www-form-urlencoded" && asObj(inner) == nil {
		return "invalid_payload"
	}
	switch {
	case r.Method != http.MethodPost || bad != nil:
		return "invalid_payload"
	case len(path) != 3 || path[1] != s.opt.BotID || !s.hasScope("incoming-webhook"):
		return "no_service"
	case path[0] != s.opt.TeamID:
		return "no_team"
	}
	ch := s.channels[path[2]]
	switch {
	case ch == nil:
		return "channel_not_found"
	case ch.Archived:
		return "channel_is_archived"
	}
	body, err := (&call{s: s, args: args}).content()
	switch {
	case err != nil && webhookStatus[err.code] == 0:
		return "invalid_payload"
	case err != nil:
		return err.code
	case body.empty():
		return "no_text"
	}
	m := s.ownMessage(ch.ID, body)
	m.User, m.Username = "", s.opt.BotName
	if t := s.stored(ch.ID, args.str("thread_ts")); t != nil {
		m.ThreadTS = t.TS
	}
	s.messageEvents(ch, s.addMessage(m))
	return ""
}
