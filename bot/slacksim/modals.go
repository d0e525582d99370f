package slacksim

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// visibleView returns a view the person can use: the top modal or their Home tab.
func (s *Server) visibleView(user, viewID string) (*User, *view, error) {
	u, err := s.actor(user)
	if err != nil {
		return nil, nil, err
	}
	v := s.openView(user, viewID)
	if v == nil {
		return nil, nil, impossible("user %s has no view %q open", user, viewID)
	}
	if stack := s.stacks[user]; v.def["type"] == "modal" && stack[len(stack)-1] != v {
		return nil, nil, impossible("view %s is covered by another one", viewID)
	}
	return u, v, nil
}

// Fill types values into a view without sending anything: by block_id and action_id, what fieldValue reads. Fields that
// are not named keep what they hold. An unknown field is an error.
func (s *Server) Fill(user, viewID string, values map[string]map[string]any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, v, err := s.visibleView(user, viewID)
	if err != nil {
		return err
	}
	return s.fill(v, values)
}

func (s *Server) fill(v *view, values map[string]map[string]any) error {
	elements := elementsOf(v.blocks)
	for block, fields := range values {
		for action, raw := range fields {
			e := elements[[2]string{block, action}]
			if e == nil || block == "" {
				return impossible("view %s has no field %s in block %q", v.id, action, block)
			}
			state, err := s.fieldValue(e, raw)
			if e["type"] == "file_input" {
				state, err = s.filesValue(v.user, e, raw)
			}
			if err != nil {
				return fmt.Errorf("%w: field %s: %w", ErrNotPossible, action, err)
			}
			asObj(v.values[block])[action] = state
		}
	}
	s.touch()
	return nil
}

// SubmitView fills a modal and presses its submit button. It returns after the ack or 3 s. When Slack's own client
// refuses (a required field is empty, an e-mail is none) the result has Local set and nothing was sent.
func (s *Server) SubmitView(ctx context.Context, user, viewID string, values map[string]map[string]any) (SubmitResult,
	error) {
	s.mu.Lock()
	payload, errs, err := s.prepareSubmit(user, viewID, values)
	s.mu.Unlock()
	if err != nil {
		return SubmitResult{}, err
	}
	if len(errs) > 0 {
		return SubmitResult{Errors: errs, Local: true, ResponseAction: "errors"}, nil
	}
	a, took, err := s.exchange(ctx, typeInteractive, payload, true)
	r := SubmitResult{EnvelopeID: a.EnvelopeID, Ack: a.Payload, Sent: encode(payload), Took: took}
	if err != nil {
		r.Error = err.Error()
		return r, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.submitted(&r, user, viewID)
	return r, nil
}

func (s *Server) prepareSubmit(user, viewID string, values map[string]map[string]any) (obj, map[string]string, error) {
	u, v, err := s.visibleView(user, viewID)
	if err != nil {
		return nil, nil, err
	}
	if v.def["type"] != "modal" || v.def["submit"] == nil {
		return nil, nil, impossible("view %s has no submit button", viewID)
	}
	if err := s.fill(v, values); err != nil {
		return nil, nil, err
	}
	errs := map[string]string{}
	for _, bv := range asList(decode(v.blocks)) {
		b := asObj(bv)
		e := asObj(b["element"])
		if b["type"] != "input" || e == nil {
			continue
		}
		id := asString(b["block_id"])
		if text := fieldFault(b, e, asObj(asObj(v.values[id])[asString(e["action_id"])])); text != "" {
			errs[id] = text
		}
	}
	if len(errs) > 0 {
		return nil, errs, nil
	}
	return s.submission(u, v), nil, nil
}

// SubmitForged sends the submission of an open view with fields laid over the payload, without the client's checks.
// What the ack asks for is carried out as in SubmitView.
func (s *Server) SubmitForged(ctx context.Context, user, viewID string, fields map[string]any) (SubmitResult, error) {
	s.mu.Lock()
	v := s.openView(user, viewID)
	if v == nil {
		v = &view{id: viewID, user: user, root: viewID, hash: s.newHash(), def: obj{"type": "modal"},
			blocks: []byte("[]"), values: obj{}}
	}
	payload := merge(s.submission(s.anyUser(user), v), fields)
	s.mu.Unlock()
	a, took, err := s.exchange(ctx, typeInteractive, payload, true)
	r := SubmitResult{EnvelopeID: a.EnvelopeID, Ack: a.Payload, Sent: encode(payload), Took: took}
	if err != nil {
		r.Error = err.Error()
		return r, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.openView(user, viewID) != nil {
		s.submitted(&r, user, viewID)
	}
	return r, nil
}

// submitted carries out what the ack of a submission asks for.
func (s *Server) submitted(r *SubmitResult, user, viewID string) {
	v := s.openView(user, viewID)
	if v == nil { // closed by the person while the app was thinking
		return
	}
	answer := obj{}
	if r.Ack != nil {
		var ok bool
		if answer, ok = decode(r.Ack).(obj); !ok {
			r.Error, r.Detail = "invalid_response", "the payload is not an object"
			return
		}
	}
	r.ResponseAction = asString(answer["response_action"])
	switch r.ResponseAction {
	case "":
		s.dropView(v)
	case "clear":
		s.dropStack(v)
	case "errors":
		s.fieldErrors(r, v, asObj(answer["errors"]))
	case "update", "push":
		s.answerView(r, v, asObj(answer["view"]))
	default:
		r.Error, r.Detail = "invalid_response", "unknown response_action "+r.ResponseAction
	}
	s.touch()
}

func (s *Server) fieldErrors(r *SubmitResult, v *view, errs obj) {
	inputs := map[string]bool{}
	for _, b := range asList(decode(v.blocks)) {
		if b := asObj(b); b["type"] == "input" {
			inputs[asString(b["block_id"])] = true
		}
	}
	r.Errors = map[string]string{}
	for id, text := range sorted(errs) {
		if !inputs[id] {
			r.Error, r.Detail = "invalid_response", fmt.Sprintf("errors names %q, which is not an input block", id)
			return
		}
		r.Errors[id] = asString(text)
	}
	if len(r.Errors) == 0 {
		r.Error, r.Detail = "invalid_response", "errors is empty"
	}
}

func (s *Server) answerView(r *SubmitResult, v *view, def obj) {
	bad := s.checkDef(def)
	if bad == nil {
		except := v
		if r.ResponseAction == "push" {
			except = nil
		}
		bad = s.freeExternalID(def, except)
	}
	switch {
	case bad != nil:
		r.Error, r.Detail = "invalid_response", string(encode(failure(bad)))
	case r.ResponseAction == "update":
		s.load(v, def)
	case s.depth(v) >= limit("view.stack").Max:
		r.Error, r.Detail = "invalid_response", "push_limit_reached"
	default:
		s.addView(v.user, def, v)
	}
}

// dropView closes one modal; dropStack all of its stack.
func (s *Server) dropView(v *view) {
	s.stacks[v.user] = slices.DeleteFunc(s.stacks[v.user], func(o *view) bool { return o == v })
	s.touch()
}

func (s *Server) dropStack(v *view) {
	s.stacks[v.user] = slices.DeleteFunc(s.stacks[v.user], func(o *view) bool { return o.root == v.root })
	s.touch()
}

// CloseView presses Cancel on the visible modal. The app hears of it (view_closed) if the view asked for it with
// notify_on_close; the error is then the ack's. A view with clear_on_close takes its whole stack along.
func (s *Server) CloseView(ctx context.Context, user, viewID string) error {
	return s.closeView(ctx, user, viewID, false)
}

// ClearViews presses the x on the visible modal, which closes its whole stack: view_closed tells of the root view with
// is_cleared true.
func (s *Server) ClearViews(ctx context.Context, user, viewID string) error {
	return s.closeView(ctx, user, viewID, true)
}

func (s *Server) closeView(ctx context.Context, user, viewID string, all bool) error {
	s.mu.Lock()
	u, v, err := s.visibleView(user, viewID)
	if err == nil && v.def["type"] != "modal" {
		err = impossible("view %s is no modal", viewID)
	}
	if err != nil {
		s.mu.Unlock()
		return err
	}
	all = all || v.flag("clear_on_close")
	told := v
	if all {
		if root := s.openView(user, v.root); root != nil {
			told = root
		}
	}
	payload := s.closing(u, told, all)
	if all {
		s.dropStack(v)
	} else {
		s.dropView(v)
	}
	s.mu.Unlock()
	if !told.flag("notify_on_close") {
		return nil
	}
	_, _, err = s.exchange(ctx, typeInteractive, payload, false)
	return err
}

// ViewAction uses an element of the visible modal or of the Home tab, which sends block_actions.
// Elements of input blocks send it only with dispatch_action. value is read as for Click.
func (s *Server) ViewAction(ctx context.Context, user, viewID, blockID, actionID string, value ...any) (ActionResult,
	error) {
	s.mu.Lock()
	payload, err := s.prepareViewAction(user, viewID, blockID, actionID, value)
	s.mu.Unlock()
	if err != nil {
		return ActionResult{}, err
	}
	return s.sendAction(ctx, payload)
}

func (s *Server) prepareViewAction(user, viewID, blockID, actionID string, value []any) (obj, error) {
	u, v, err := s.visibleView(user, viewID)
	if err != nil {
		return nil, err
	}
	block, e := findElement(v.blocks, blockID, actionID)
	if e == nil {
		return nil, impossible("view %s has no element %s in block %q", viewID, actionID, blockID)
	}
	action, err := s.use(block, e, value, v.values)
	if err != nil {
		return nil, err
	}
	s.touch()
	return s.viewAction(u, v, action), nil
}

// SlashCommand is one command of the app, as its manifest declares it.
type SlashCommand struct {
	Command      string `json:"command"` // with the slash, at most 32 characters
	Description  string `json:"description"`
	UsageHint    string `json:"usage_hint"`
	ShouldEscape bool   `json:"should_escape"` // mentions arrive as <@U...> and <#C...>
}

// Options describes the workspace, the app and how strict the service is. The zero value is a working workspace
// without people, channels and commands.
type Options struct {
	// Seed makes ids, the choice of connection and random faults repeatable.
	Seed uint64
	// Faults is a profile of random misbehaviour; rules can be added later with InjectFault.
	Faults Faults
	// Now gives message timestamps, event times and the time at which scheduled messages are due. Default time.Now.
	// Everything the protocol limits (acks, triggers, pings, response_url, rate limits) uses real time.
	Now func() time.Time

	TeamID, TeamName, Domain string // default T0ACME, Acme, acme
	AppID, BotUserID, BotID  string // default A0BOTAPP, U0BOT, B0BOT
	BotName                  string // default bot
	AppToken, BotToken       string // default xapp-sim and xoxb-sim
	Commands                 []SlashCommand
	// Events the app subscribed to, by the names that a manifest has; default app_home_opened. Sent
	// are those of messages (message.im, message.mpim, message.channels, message.groups,
	// app_mention), of people (user_change, user_status_changed, user_profile_changed), of files
	// and canvases (file_shared, file_change, file_deleted), of reactions and pins (reaction_added
	// and _removed, pin_added and _removed), and of channels (member_joined_channel,
	// member_left_channel, channel_created, and channel_ or group_ with left, rename, archive,
	// unarchive).
	Events []string
	// Scopes granted to the bot token. Empty: all.
	Scopes []string
	// RateLimits switches the limits of section "Rate limits" of Slack's documentation on: a tier per method and one
	// message per second and channel, with bursts.
	RateLimits bool
	// RateWindow is the minute in which the tiers count; default 1 min. MessageEvery is how often
	// one channel takes a message once MessageBurst of them came at once; default 1 s and 5.
	// Retry-After is told in whole seconds all the same.
	RateWindow, MessageEvery time.Duration
	MessageBurst             int
	// HomeTabDisabled makes views.publish answer not_enabled.
	HomeTabDisabled bool

	AckTimeout   time.Duration    // default 3 s
	TriggerLife  time.Duration    // default 3 s
	ResponseLife time.Duration    // of a response_url; default 30 min
	PingEvery    time.Duration    // default 5 s; the first ping comes with hello. Slack's own is about 10 s
	RetryDelays  [3]time.Duration // of unacknowledged events; default 0 s, 1 min, 5 min
	// after which a connection is refreshed; default 1 h, 360 s with debug_reconnects=true
	ConnectionTime time.Duration
	WarningBefore  time.Duration // how long before a refresh the warning comes; default 10 s
	CloseAfter     time.Duration // how long after a disconnect frame the close handshake begins; default 5 s
	// how long TCP stays open after the close handshake for the client to close; default 30 s
	Linger time.Duration

	// PanelURL, when set, is shown by the page in a frame beside the conversation, titled
	// PanelTitle. Panel, when set, is served under /_panel/ on the same host (the prefix is
	// stripped) and is then the default PanelURL.
	PanelURL, PanelTitle string
	Panel                http.Handler
}

func (o Options) withDefaults() Options {
	text := func(s *string, def string) {
		if *s == "" {
			*s = def
		}
	}
	text(&o.TeamID, "T0ACME")
	text(&o.TeamName, "Acme")
	text(&o.Domain, "acme")
	text(&o.AppID, "A0BOTAPP")
	text(&o.BotUserID, "U0BOT")
	text(&o.BotID, "B0BOT")
	text(&o.BotName, "bot")
	text(&o.AppToken, "xapp-sim")
	text(&o.BotToken, "xoxb-sim")
	if o.Panel != nil {
		text(&o.PanelURL, "/_panel/")
	}
	text(&o.PanelTitle, "Panel")
	span := func(d *time.Duration, def time.Duration) {
		if *d <= 0 {
			*d = def
		}
	}
	span(&o.AckTimeout, 3*time.Second)
	span(&o.TriggerLife, 3*time.Second)
	span(&o.ResponseLife, responseLife)
	span(&o.PingEvery, 5*time.Second)
	span(&o.RateWindow, time.Minute)
	span(&o.MessageEvery, time.Second)
	if o.MessageBurst <= 0 {
		o.MessageBurst = messageBurst
	}
	span(&o.ConnectionTime, time.Hour)
	span(&o.WarningBefore, 10*time.Second)
	span(&o.CloseAfter, 5*time.Second)
	span(&o.Linger, lingerAfterClose)
	if o.RetryDelays == ([3]time.Duration{}) {
		o.RetryDelays = [3]time.Duration{0, time.Minute, 5 * time.Minute}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Events == nil {
		o.Events = []string{"app_home_opened"}
	}
	return o
}
