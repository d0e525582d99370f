package slacksim

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/keyholder/keyholder/bot/slacksim/blockkit"
)

// View is an open modal or a Home tab.
type View struct {
	ID              string          `json:"id"`
	Type            string          `json:"type"` // modal or home
	User            string          `json:"user"`
	CallbackID      string          `json:"callback_id"`
	ExternalID      string          `json:"external_id,omitempty"`
	PrivateMetadata string          `json:"private_metadata"`
	Hash            string          `json:"hash"`
	Title           string          `json:"title,omitempty"`
	Submit          string          `json:"submit,omitempty"` // text of the button, "" when there is none
	CloseText       string          `json:"close,omitempty"`
	RootID          string          `json:"root_view_id"`
	PreviousID      string          `json:"previous_view_id,omitempty"`
	Blocks          json.RawMessage `json:"blocks"`
	State           json.RawMessage `json:"state"`         // values: block_id, action_id, what the field holds
	Raw             json.RawMessage `json:"raw,omitempty"` // the view object as in payloads
}

// view is the server's own record of a View.
type view struct {
	id, user, hash, root, previous, externalID string
	def                                        obj // as the app gave it, normalized
	blocks                                     json.RawMessage
	values                                     obj
}

func (s *Server) newHash() string {
	return slackTime(time.Now()) + "." + s.newID("", 8)
}

// load puts a definition into v. What a field holds stays where block_id, action_id and element
// type stayed, whatever its initial_ value says now (docs.slack.dev/reference/methods/views.update;
// github.com/slackapi/bolt-js/issues/290); all other fields begin with theirs. What was chosen and
// is no longer among the options is lost; Slack does not tell what becomes of it.
func (s *Server) load(v *view, def obj) {
	old := v.values
	v.blocks = s.normalize(asList(def["blocks"]))
	if v.blocks == nil {
		v.blocks = json.RawMessage("[]")
	}
	v.def, v.externalID, v.hash = def, asString(def["external_id"]), s.newHash()
	v.values = initialValues(v.blocks)
	elements := elementsOf(v.blocks)
	for block, fields := range old {
		for action, was := range asObj(fields) {
			now := asObj(asObj(v.values[block])[action])
			if now != nil && now["type"] == asObj(was)["type"] && stillThere(elements[[2]string{block, action}],
				asObj(was)) {
				asObj(v.values[block])[action] = was
			}
		}
	}
	s.touch()
}

// stillThere says whether every option that a state holds is an option of the element.
func stillThere(e, state obj) bool {
	if e["options"] == nil && e["option_groups"] == nil {
		return true
	}
	chosen := asList(state["selected_options"])
	if o := asObj(state["selected_option"]); o != nil {
		chosen = append(chosen, o)
	}
	return !slices.ContainsFunc(chosen, func(o any) bool {
		return blockkit.FindOption(e, asString(asObj(o)["value"])) == nil
	})
}

// viewJSON is the view object of answers and payloads; withState false leaves the input out (view_closed).
func (s *Server) viewJSON(v *view, withState bool) obj {
	o := obj{"id": v.id, "team_id": s.opt.TeamID, "type": v.def["type"], "blocks": decode(v.blocks),
		"private_metadata": asString(v.def["private_metadata"]),
		"callback_id":      asString(v.def["callback_id"]), "hash": v.hash, "title": v.def["title"],
		"close":          v.def["close"],
		"submit":         v.def["submit"],
		"clear_on_close": v.flag("clear_on_close"), "notify_on_close": v.flag("notify_on_close"),
		"submit_disabled": v.flag("submit_disabled"),
		"root_view_id":    v.root, "previous_view_id": nil, "app_id": s.opt.AppID, "external_id": v.externalID,
		"app_installed_team_id": s.opt.TeamID, "bot_id": s.opt.BotID}
	if v.previous != "" {
		o["previous_view_id"] = v.previous
	}
	values := obj{}
	if withState {
		values = clone(v.values)
	}
	o["state"] = obj{"values": values}
	return o
}

func (v *view) flag(k string) bool { b, _ := v.def[k].(bool); return b }

func (s *Server) public(v *view) View {
	text := func(k string) string { return asString(asObj(v.def[k])["text"]) }
	return View{ID: v.id, Type: asString(v.def["type"]), User: v.user, CallbackID: asString(v.def["callback_id"]),
		ExternalID:      v.externalID,
		PrivateMetadata: asString(v.def["private_metadata"]), Hash: v.hash, Title: text("title"),
		Submit: text("submit"), CloseText: text("close"),
		RootID: v.root, PreviousID: v.previous, Blocks: v.blocks, State: encode(v.values),
		Raw: encode(s.viewJSON(v, true))}
}

// Views returns the modals a user has open, the visible one last.
func (s *Server) Views(user string) []View {
	s.mu.Lock()
	defer s.mu.Unlock()
	var l []View
	for _, v := range s.stacks[user] {
		l = append(l, s.public(v))
	}
	return l
}

// Home returns the Home tab the app published for that user.
func (s *Server) Home(user string) (View, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.homes[user]
	if v == nil {
		return View{}, false
	}
	return s.public(v), true
}

func (s *Server) openView(user, id string) *view {
	for _, v := range s.stacks[user] {
		if v.id == id {
			return v
		}
	}
	if h := s.homes[user]; h != nil && h.id == id {
		return h
	}
	return nil
}

// viewArg reads and checks the view argument.
func (c *call) viewArg() (obj, *apiError) {
	v, ok := c.args.json("view")
	def := asObj(v)
	if !ok || def == nil {
		return nil, failMessages("invalid_arguments", "must be a valid view object [json-pointer:/view]")
	}
	return def, c.s.checkDef(def)
}

func (s *Server) checkDef(def obj) *apiError {
	if len(encode(def)) > limit("view.bytes").Max {
		return fail("view_too_large")
	}
	if faults := blockkit.Words(blockkit.View(def)); len(faults) > 0 {
		return failMessages("invalid_arguments", faults...)
	}
	return nil
}

// freeExternalID refuses an external_id that another view of the app has.
func (s *Server) freeExternalID(def obj, except *view) *apiError {
	id := asString(def["external_id"])
	if id == "" {
		return nil
	}
	taken := func(v *view) bool { return v != except && v.externalID == id }
	for _, stack := range s.stacks {
		if slices.ContainsFunc(stack, taken) {
			return fail("duplicate_external_id")
		}
	}
	for _, v := range s.homes {
		if taken(v) {
			return fail("duplicate_external_id")
		}
	}
	return nil
}

// addView puts a new view on top of a user's modals; below is the view it is pushed onto, nil for a first one.
func (s *Server) addView(user string, def obj, below *view) *view {
	v := &view{id: s.newID("V0", 9), user: user}
	v.root = v.id
	if below != nil {
		v.root, v.previous = below.root, below.id
	}
	s.load(v, def)
	s.stacks[user] = append(s.stacks[user], v)
	return v
}

func openView(c *call) (obj, *apiError) {
	def, err := c.viewArg()
	if err != nil {
		return nil, err
	}
	if def["type"] != "modal" {
		return nil, failMessages("invalid_arguments", "only modal views can be opened [json-pointer:/view/type]")
	}
	if err := c.s.freeExternalID(def, nil); err != nil {
		return nil, err
	}
	t, err := c.trigger()
	if err != nil {
		return nil, err
	}
	t.used = true
	return obj{"view": c.s.viewJSON(c.s.addView(t.user, def, nil), true)}, nil
}

func pushView(c *call) (obj, *apiError) {
	def, err := c.viewArg()
	if err != nil {
		return nil, err
	}
	if err := c.s.freeExternalID(def, nil); err != nil {
		return nil, err
	}
	t, err := c.trigger()
	if err != nil {
		return nil, err
	}
	below := c.s.openView(t.user, t.view)
	switch {
	case below == nil:
		return nil, fail("not_found")
	case below.def["type"] != def["type"] || def["type"] != "modal":
		return nil, failMessages("invalid_arguments",
			"must match the `type` of the root view whose stack we're pushing onto [json-pointer:/view/type]")
	case c.s.depth(below) >= limit("view.stack").Max:
		return nil, fail("push_limit_reached")
	}
	t.used = true
	return obj{"view": c.s.viewJSON(c.s.addView(t.user, def, below), true)}, nil
}

// depth counts the views of v's stack.
func (s *Server) depth(v *view) int {
	n := 0
	for _, o := range s.stacks[v.user] {
		if o.root == v.root {
			n++
		}
	}
	return n
}

func updateView(c *call) (obj, *apiError) {
	def, err := c.viewArg()
	if err != nil {
		return nil, err
	}
	v := c.s.viewNamed(c.args.str("view_id"), c.args.str("external_id"))
	if v == nil {
		if c.args.str("view_id") == "" && c.args.str("external_id") == "" {
			return nil, failMessages("invalid_arguments", "must provide either `view_id` or `external_id`")
		}
		return nil, fail("not_found")
	}
	if h := c.args.str("hash"); h != "" && h != v.hash {
		return nil, fail("hash_conflict")
	}
	if def["type"] != v.def["type"] {
		return nil, failMessages("invalid_arguments",
			"must match the `type` of the view being updated [json-pointer:/view/type]")
	}
	if err := c.s.freeExternalID(def, v); err != nil {
		return nil, err
	}
	c.s.load(v, def)
	return obj{"view": c.s.viewJSON(v, true)}, nil
}

func (s *Server) viewNamed(id, external string) *view {
	fits := func(v *view) bool { return v.id == id || id == "" && external != "" && v.externalID == external }
	for _, stack := range s.stacks {
		if i := slices.IndexFunc(stack, fits); i >= 0 {
			return stack[i]
		}
	}
	for _, v := range s.homes {
		if fits(v) {
			return v
		}
	}
	return nil
}

func publishView(c *call) (obj, *apiError) {
	if c.s.opt.HomeTabDisabled {
		return nil, fail("not_enabled")
	}
	def, err := c.viewArg()
	if err != nil {
		return nil, err
	}
	u := c.s.users[c.args.str("user_id")]
	if u == nil {
		return nil, failMessages("invalid_arguments", "invalid `user_id`")
	}
	if def["type"] != "home" {
		return nil, failMessages("invalid_arguments", "only home views can be published [json-pointer:/view/type]")
	}
	v := c.s.homes[u.ID]
	if h := c.args.str("hash"); h != "" && (v == nil || h != v.hash) {
		return nil, fail("hash_conflict")
	}
	if err := c.s.freeExternalID(def, v); err != nil {
		return nil, err
	}
	if v == nil {
		v = &view{id: c.s.newID("V0", 9), user: u.ID}
		v.root = v.id
		c.s.homes[u.ID] = v
	}
	c.s.load(v, def)
	return obj{"view": c.s.viewJSON(v, true)}, nil
}

// trigger is the right to open one view within three seconds.
type trigger struct {
	user, view string
	at         time.Time
	used       bool
}

// newTrigger makes a trigger_id; view is the view the person acted in, "" for none.
func (s *Server) newTrigger(user, view string) string {
	for id, t := range s.triggers {
		if time.Since(t.at) > 10*time.Minute {
			delete(s.triggers, id)
		}
	}
	id := s.newID("", 11) + "." + s.newID("", 9) + "." + s.newID("", 24)
	s.triggers[id] = &trigger{user: user, view: view, at: time.Now()}
	return id
}

// trigger returns the trigger of the call if it is still good; the caller marks it used when the view is open.
func (c *call) trigger() (*trigger, *apiError) {
	id := c.args.str("trigger_id")
	if id == "" {
		id = c.args.str("interactivity_pointer") // the same right under another name
	}
	if id == "" {
		return nil, failMessages("invalid_arguments", "missing required field: trigger_id")
	}
	t := c.s.triggers[id]
	switch {
	case t == nil:
		return nil, fail("invalid_trigger_id")
	case t.used:
		return nil, fail("exchanged_trigger_id")
	case time.Since(t.at) > c.s.opt.TriggerLife:
		return nil, fail("expired_trigger_id")
	}
	return t, nil
}
