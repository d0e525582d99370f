package slacksim

import (
	"mime"
	"net/http"
	"strings"
	"time"
)

// responseURL is the right to answer an interaction five times within half an hour.
type responseURL struct {
	channel, user, ts, threadTS string // ts of the message clicked, "" for commands
	at                          time.Time
	uses                        int
}

// responseLife is documented in docs.slack.dev/interactivity/handling-user-interaction.
const responseLife = 30 * time.Minute

// newResponseURL makes an address; it counts from now.
func (s *Server) newResponseURL(channel, user, ts, threadTS string) string {
	for id, r := range s.responses {
		if time.Since(r.at) > 2*s.opt.ResponseLife {
			delete(s.responses, id)
		}
	}
	id := s.newID("", 24)
	s.responses[id] = &responseURL{channel: channel, user: user, ts: ts, threadTS: threadTS, at: time.Now()}
	return s.publicBase() + "/response/" + s.opt.TeamID + "/" + id
}

func (s *Server) serveResponse(w http.ResponseWriter, r *http.Request) {
	args, bad := readArgs(r)
	id := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	s.mu.Lock()
	s.callSeq++
	call := s.callSeq
	s.calls = append(s.calls, Call{ID: call, Time: time.Now(), Method: "response_url", HTTP: r.Method,
		Args: args.redacted(s.opt), Token: "none"})
	s.calls = newest(s.calls)
	key := ""
	if to := s.responses[id]; to != nil {
		key = s.placeName(to.channel) + " " + to.user
	}
	fault := s.takeFault("response_url", onAPI, key)
	s.touch()
	s.mu.Unlock()
	s.answer(w, r, call, fault, func() (obj, int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if bad != nil {
			return obj{"ok": false, "error": "invalid_payload"}, http.StatusBadRequest
		}
		if payload, ok := args.json("payload"); ok && asObj(payload) != nil {
			args = asObj(payload) // the old form encoding
		}
		return s.respond(s.responses[id], args)
	})
}

// respond carries out one use of a response_url.
func (s *Server) respond(to *responseURL, args params) (obj, int) {
	switch {
	case to == nil:
		return obj{"ok": false, "error": "invalid_url"}, http.StatusNotFound
	case time.Since(to.at) > s.opt.ResponseLife:
		return obj{"ok": false, "error": "expired_url"}, http.StatusNotFound
	case to.uses >= limit("response_url.uses").Max:
		return obj{"ok": false, "error": "used_url"}, http.StatusNotFound
	}
	original := s.findMessage(to.channel, to.ts, to.user)
	if args.boolean("delete_original") {
		to.uses++
		if original == nil {
			return obj{"ok": false, "error": "message_not_found"}, http.StatusNotFound
		}
		s.erase(original)
		return obj{"ok": true}, http.StatusOK
	}
	c := &call{s: s, args: args}
	body, err := c.content()
	if err == nil && body.empty() {
		err = fail("no_text")
	}
	if err != nil {
		return failure(err), http.StatusOK
	}
	to.uses++
	if args.boolean("replace_original") && original != nil && original.BotID == s.opt.BotID {
		body.hasText, body.hasBlocks, body.hasAttachments = true, true, true
		s.rewrite(original, body)
		return obj{"ok": true}, http.StatusOK
	}
	s.reply(to, args.str("response_type"), args.str("thread_ts"), body)
	return obj{"ok": true}, http.StatusOK
}

// reply posts an answer to a command or click: privately unless response_type is in_channel. It bypasses membership.
func (s *Server) reply(to *responseURL, kind, thread string, body content) *Message {
	m := s.ownMessage(to.channel, body)
	m.ThreadTS = to.threadTS
	if thread != "" {
		m.ThreadTS = thread
	}
	if kind != "in_channel" {
		m.EphemeralTo = to.user
	}
	return s.addMessage(m)
}

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
