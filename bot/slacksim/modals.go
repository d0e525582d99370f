package slacksim

import (
	"context"
	"fmt"
	"slices"
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
