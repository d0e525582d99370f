package slacksim_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"github.com/keyholder/keyholder/bot/slacksim"
)

// scripted connects an app whose modal answers come from the channel, one each, and that reports what it got.
func scripted(t *testing.T, o slacksim.Options) (*slacksim.Server, *app, chan<- any, <-chan slack.InteractionCallback) {
	t.Helper()
	s, url := workspace(t, o)
	answers, got := make(chan any, 10), make(chan slack.InteractionCallback, 10)
	a := connect(t, s, url, func(a *app, e socketmode.Event) {
		switch d := e.Data.(type) {
		case slack.SlashCommand:
			if _, err := a.api.OpenView(d.TriggerID, form()); err != nil {
				t.Errorf("open: %v", err)
			}
			ack(a, e)
		case slack.InteractionCallback:
			got <- d
			if d.Type == slack.InteractionTypeViewSubmission {
				_ = a.sock.Ack(*e.Request, <-answers)
				return
			}
			ack(a, e)
		}
	})
	return s, a, answers, got
}

func openForm(t *testing.T, s *slacksim.Server) slacksim.View {
	t.Helper()
	must[slacksim.CommandResult](t)(s.SlashCommand(ctx(t), "UANA", "C0OPS", "/raw", ""))
	l := s.Views("UANA")
	return l[len(l)-1]
}

var filled = map[string]map[string]any{"reason": {"reason": "because"}}

func action(kind string, view any) map[string]any {
	return map[string]any{"response_action": kind, "view": view}
}

func TestResponseActionsOfASubmission(t *testing.T) {
	s, _, answers, _ := scripted(t, slacksim.Options{})
	v := openForm(t, s)
	submit := func(id string, answer any) slacksim.SubmitResult {
		t.Helper()
		answers <- answer
		return must[slacksim.SubmitResult](t)(s.SubmitView(ctx(t), "UANA", id, filled))
	}
	for name, answer := range map[string]any{
		"errors at a block that is no input": map[string]any{"response_action": "errors",
			"errors": map[string]string{"nowhere": "x"}},
		"an unknown action": map[string]any{"response_action": "dance"},
		"an invalid view":   action("update", map[string]any{"type": "modal"}),
	} {
		if r := submit(v.ID, answer); r.Error != "invalid_response" || len(s.Views("UANA")) != 1 {
			t.Errorf("%s: %+v", name, r)
		}
	}
	changed := form()
	changed.Title.Text = "Changed"
	if r := submit(v.ID, action("update", changed)); r.ResponseAction != "update" || r.Error != "" {
		t.Errorf("update: %+v", r)
	}
	now := s.Views("UANA")[0]
	if now.Title != "Changed" || now.ID != v.ID || now.Hash == v.Hash || !strings.Contains(string(now.State),
		"because") {
		t.Errorf("after update: %+v", now)
	}
	for depth := 2; depth <= 3; depth++ {
		l := s.Views("UANA")
		submit(l[len(l)-1].ID, action("push", form()))
		if l = s.Views("UANA"); len(l) != depth || l[depth-1].RootID != v.ID || l[depth-1].PreviousID != l[depth-2].ID {
			t.Fatalf("after push: %+v", l)
		}
	}
	top := s.Views("UANA")[2]
	if r := submit(top.ID, action("push", form())); r.Error != "invalid_response" || r.Detail != "push_limit_reached" {
		t.Errorf("a fourth view: %+v", r)
	}
	if _, err := s.SubmitView(ctx(t), "UANA", v.ID, filled); !errors.Is(err, slacksim.ErrNotPossible) {
		t.Errorf("a covered view was submitted: %v", err)
	}
	submit(top.ID, nil)
	if l := s.Views("UANA"); len(l) != 2 {
		t.Errorf("an empty ack left %d views", len(l))
	}
	submit(s.Views("UANA")[1].ID, map[string]any{"response_action": "clear"})
	if l := s.Views("UANA"); len(l) != 0 {
		t.Errorf("clear left %d views", len(l))
	}
}

func TestViewsUpdateKeepsWhatWasTypedAndChecksTheHash(t *testing.T) {
	s, a, _, _ := scripted(t, slacksim.Options{})
	v := openForm(t, s)
	if err := s.Fill("UANA", v.ID, map[string]map[string]any{"reason": {"reason": "half a sen"},
		"who": {"who": "UBEN"}}); err != nil {
		t.Fatal(err)
	}
	other := form()
	other.ExternalID = "ext"
	other.Blocks.BlockSet[1].(*slack.InputBlock).BlockID = "renamed"
	if _, err := a.api.UpdateView(other, "", "wrong", v.ID); err == nil || err.Error() != "hash_conflict" {
		t.Errorf("stale hash: %v", err)
	}
	if _, err := a.api.UpdateView(other, "", v.Hash, v.ID); err != nil {
		t.Fatal(err)
	}
	state := string(s.Views("UANA")[0].State)
	if !strings.Contains(state, "half a sen") || strings.Contains(state, "UBEN") || !strings.Contains(state,
		"renamed") {
		t.Errorf("state = %s", state)
	}
	if _, err := a.api.UpdateView(form(), "ext", "", ""); err != nil {
		t.Errorf("by external_id: %v", err)
	}
	if _, err := a.api.UpdateView(form(), "", "", "V404"); err == nil || err.Error() != "not_found" {
		t.Errorf("unknown view: %v", err)
	}
}

func TestPushAndHomeRules(t *testing.T) {
	s, a, answers, got := scripted(t, slacksim.Options{})
	v := openForm(t, s)
	for range 2 {
		l := s.Views("UANA")
		top := l[len(l)-1]
		answers <- map[string]any{"response_action": "errors", "errors": map[string]string{"reason": "wait"}}
		must[slacksim.SubmitResult](t)(s.SubmitView(ctx(t), "UANA", top.ID, filled))
		if _, err := a.api.PushView((<-got).TriggerID, form()); err != nil {
			t.Fatal(err)
		}
	}
	answers <- map[string]any{"response_action": "errors", "errors": map[string]string{"reason": "wait"}}
	must[slacksim.SubmitResult](t)(s.SubmitView(ctx(t), "UANA", s.Views("UANA")[2].ID, filled))
	if _, err := a.api.PushView((<-got).TriggerID, form()); err == nil || err.Error() != "push_limit_reached" {
		t.Errorf("fourth view: %v", err)
	}
	if err := s.ClearViews(ctx(t), "UANA", s.Views("UANA")[2].ID); err != nil {
		t.Fatal(err)
	}
	if d := <-got; d.Type != slack.InteractionTypeViewClosed || !d.IsCleared || d.View.ID != v.ID ||
		len(s.Views("UANA")) != 0 {
		t.Errorf("x: %+v", d)
	}
	v = openForm(t, s)
	if err := s.CloseView(ctx(t), "UANA", v.ID); err != nil {
		t.Fatal(err)
	}
	if d := <-got; d.Type != slack.InteractionTypeViewClosed || d.IsCleared || d.View.ID != v.ID ||
		len(d.View.State.Values) != 0 {
		t.Errorf("cancel: %+v", d.View)
	}

	home := slack.HomeTabViewRequest{Type: "home", Blocks: slack.Blocks{BlockSet: card("home")}}
	if _, err := a.api.PublishView("UANA", home, ""); err != nil {
		t.Fatal(err)
	}
	h, _ := s.Home("UANA")
	r := must[slacksim.ActionResult](t)(s.ViewAction(ctx(t), "UANA", h.ID, "q:1", "go"))
	d := <-got
	if d.View.Type != "home" || d.Channel.ID != "" || d.ResponseURL != "" || string(d.Container.Type) != "view" {
		t.Errorf("home action: %s", r.Sent)
	}
	_, err := a.api.PushView(d.TriggerID, form())
	var bad slack.SlackErrorResponse
	if !errors.As(err, &bad) || bad.Err != "invalid_arguments" || !strings.Contains(bad.ResponseMetadata.Messages[0],
		"whose stack we're pushing onto [json-pointer:/view/type]") {
		t.Errorf("push onto home: %v", err)
	}
}

func TestLateSubmissionLeavesTheModalOpen(t *testing.T) {
	s, url := workspace(t, slacksim.Options{})
	connect(t, s, url, func(a *app, e socketmode.Event) {
		if d, ok := e.Data.(slack.SlashCommand); ok {
			if _, err := a.api.OpenView(d.TriggerID, form()); err != nil {
				t.Error(err)
			}
			ack(a, e)
		}
	})
	v := openForm(t, s)
	s.InjectFault(slacksim.Rule{Method: "interactive", Kind: slacksim.FaultNoConnection, Times: 1})
	if r, err := s.SubmitView(ctx(t), "UANA", v.ID, filled); !errors.Is(err, slacksim.ErrDispatchFailed) ||
		r.Error != "dispatch_failed" || len(s.Views("UANA")) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestPeopleCannotDoWhatSlacksClientDoesNotOffer(t *testing.T) {
	s, url := workspace(t, slacksim.Options{})
	a := connect(t, s, url, ack)
	_, ts, err := a.api.PostMessage("C0OPS", slack.MsgOptionBlocks(card("x")...))
	if err != nil {
		t.Fatal(err)
	}
	_, err1 := s.SlashCommand(ctx(t), "UOLD", "C0OPS", "/raw", "")
	_, err2 := s.SlashCommand(ctx(t), "UFAY", "C0EXT", "/raw", "")
	_, err3 := s.SlashCommand(ctx(t), "UGUS", "C0OPS", "/raw", "")
	_, err4 := s.SlashCommand(ctx(t), "UANA", "C0OPS", "/nope", "")
	_, err5 := s.Click(ctx(t), "UANA", "C0OPS", ts, "q:2", "go")
	_, err6 := s.Click(ctx(t), "UGUS", "C0OPS", ts, "q:1", "go")
	_, err7 := s.Click(ctx(t), "UANA", "C0OPS", "1.000000", "q:1", "go")
	for i, err := range []error{err1, err2, err3, err4, err5, err6, err7} {
		if !errors.Is(err, slacksim.ErrNotPossible) {
			t.Errorf("act %d: %v", i+1, err)
		}
	}
	if n := len(s.Acks()); n != 0 {
		t.Errorf("%d envelopes were sent", n)
	}
}

func TestForeignerMayClickAndIsToldApartByTeam(t *testing.T) {
	s, a, _, got := scripted(t, slacksim.Options{})
	_, ts, err := a.api.PostMessage("C0EXT", slack.MsgOptionBlocks(card("x")...))
	if err != nil {
		t.Fatal(err)
	}
	must[slacksim.ActionResult](t)(s.Click(ctx(t), "UFAY", "C0EXT", ts, "q:1", "go"))
	if d := <-got; d.User.TeamID != "T0OTHER" || d.Team.ID != "T0ACME" {
		t.Errorf("user %+v team %+v", d.User, d.Team)
	}
}

func TestForgedClicksCarryAnything(t *testing.T) {
	s, a, _, got := scripted(t, slacksim.Options{})
	_, ts, err := a.api.PostMessage("C0OPS", slack.MsgOptionBlocks(card("x")...))
	if err != nil {
		t.Fatal(err)
	}
	f := slacksim.Forged{User: "UANA", Channel: "C0OPS", MessageTS: ts, BlockID: "q:0", ActionID: "go", Value: "other",
		Fields: map[string]any{"user": map[string]any{"team_id": "T0OTHER"}, "message": nil}}
	must[slacksim.ActionResult](t)(s.ClickForged(ctx(t), f))
	d := <-got
	act := d.ActionCallback.BlockActions[0]
	if act.BlockID != "q:0" || act.Value != "other" || d.User.TeamID != "T0OTHER" || d.User.ID != "UANA" ||
		d.Message.Timestamp != "" {
		t.Errorf("%+v %+v", act, d.User)
	}
}

func TestMentionsAreEscapedOnlyWhenAskedFor(t *testing.T) {
	s, url := workspace(t, slacksim.Options{})
	texts := make(chan string, 1)
	connect(t, s, url, func(a *app, e socketmode.Event) {
		ack(a, e)
		texts <- e.Data.(slack.SlashCommand).Text
	})
	for in, want := range map[string]string{
		"to @ben in #ops":  "to <@UBEN> in <#C0OPS|ops>",
		"see #priv":        "see <#C0PRIV|>",
		"for <@UANA> now":  "for <@UANA> now",
		"a@b.example <3 &": "a@b.example &lt;3 &amp;",
		"all @holders":     "all <!subteam^S0HOLD>",
	} {
		must[slacksim.CommandResult](t)(s.SlashCommand(ctx(t), "UANA", "C0OPS", "/do", in))
		if got := <-texts; got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
		must[slacksim.CommandResult](t)(s.SlashCommand(ctx(t), "UANA", "C0OPS", "/raw", in))
		if got := <-texts; got != in {
			t.Errorf("unescaped %q became %q", in, got)
		}
	}
}

func TestSelectsInMessagesSendTheirValueAndTheState(t *testing.T) {
	s, a, _, got := scripted(t, slacksim.Options{})
	plain := func(v string) *slack.TextBlockObject { return slack.NewTextBlockObject("plain_text", v, false, false) }
	option := func(v string) *slack.OptionBlockObject { return slack.NewOptionBlockObject(v, plain(v), nil) }
	_, ts, err := a.api.PostMessage("C0OPS", slack.MsgOptionBlocks(slack.NewActionBlock("b",
		slack.NewOptionsSelectBlockElement("static_select", plain("p"), "pick", option("one"), option("two")),
		slack.NewCheckboxGroupsBlockElement("check", option("x"), option("y")),
		slack.NewOverflowBlockElement("more", option("m")),
		slack.NewDatePickerBlockElement("day"))))
	if err != nil {
		t.Fatal(err)
	}
	click := func(id string, value ...any) *slack.BlockAction {
		t.Helper()
		must[slacksim.ActionResult](t)(s.Click(ctx(t), "UANA", "C0OPS", ts, "b", id, value...))
		d := <-got
		if id != "pick" && d.BlockActionState.Values["b"]["pick"].SelectedOption.Value != "two" {
			t.Errorf("%s: the state forgot the select: %+v", id, d.BlockActionState)
		}
		return d.ActionCallback.BlockActions[0]
	}
	if act := click("pick", "two"); act.SelectedOption.Value != "two" {
		t.Errorf("select: %+v", act)
	}
	if act := click("check", "x", "y"); len(act.SelectedOptions) != 2 {
		t.Errorf("checkboxes: %+v", act)
	}
	if act := click("more", "m"); act.SelectedOption.Value != "m" {
		t.Errorf("overflow: %+v", act)
	}
	if act := click("day", "2026-12-31"); act.SelectedDate != "2026-12-31" {
		t.Errorf("date: %+v", act)
	}
	if _, err := s.Click(ctx(t), "UANA", "C0OPS", ts, "b", "pick", "three"); !errors.Is(err, slacksim.ErrNotPossible) {
		t.Errorf("an option that is not there: %v", err)
	}
}

func TestControlAPIActsAsAPerson(t *testing.T) {
	s, _, _, _ := scripted(t, slacksim.Options{Panel: http.NotFoundHandler(), PanelTitle: "Other system"})
	base := baseOf(t, s)
	ask := func(path, body string) (answer, int) {
		out, res := do(t, request(t, "POST", base+"/_sim/"+path, "application/json", body))
		return out, res.StatusCode
	}
	if out, code := ask("slash", `{"user":"UANA","channel":"C0OPS","command":"/raw","text":"x"}`); code != 200 ||
		out["error"] != nil {
		t.Errorf("slash: %d %v", code, out)
	}
	state, _ := do(t, request(t, "GET", base+"/_sim/state?as=UANA&channel=C0OPS", "", ""))
	views := state["views"].([]any)
	if len(views) != 1 || state["panel"].(map[string]any)["url"] != "/_panel/" {
		t.Fatalf("state: %v", state)
	}
	id := views[0].(map[string]any)["id"].(string)
	if out, _ := ask("submit", `{"user":"UANA","view_id":"`+id+`","values":{}}`); out["local"] != true {
		t.Errorf("submit: %v", out)
	}
	if out, code := ask("submit", `{"user":"UBEN","view_id":"`+id+`"}`); code != 422 ||
		out["error"] != "not_possible" || out["detail"] == "" {
		t.Errorf("someone else's modal: %d %v", code, out)
	}
	if out, code := ask("click", `{`); code != 400 || out["error"] != "bad_request" {
		t.Errorf("bad JSON: %d %v", code, out)
	}
	if out, code := ask("faults",
		`{"method":"auth.test","kind":"rate_limited","times":1,"retry_after":"3s"}`); code != 200 || out["ok"] != true {
		t.Errorf("fault: %v", out)
	}
	if _, res := do(t, request(t, "GET", base+"/api/auth.test?token=xoxb-sim", "", "")); res.Header.Get(
		"Retry-After") != "3" {
		t.Errorf("the fault did not happen: %v", res.Status)
	}
	if out, code := ask("faults", `{"kind":"nonsense"}`); code != 400 {
		t.Errorf("unknown fault: %v", out)
	}
	if out, _ := ask("users", `{"id":"UNEW","name":"new"}`); out["ok"] != true || !slices.ContainsFunc(s.Users(),
		func(u slacksim.User) bool { return u.ID == "UNEW" }) {
		t.Errorf("users: %v", out)
	}
	calls, _ := do(t, request(t, "GET", base+"/_sim/calls?after=1", "", ""))
	if l := calls["calls"].([]any); len(l) == 0 || l[0].(map[string]any)["id"] != 2.0 {
		t.Errorf("calls: %v", calls)
	}
}

func TestChangesArriveOverOneStream(t *testing.T) {
	s, url := workspace(t, slacksim.Options{})
	res := must[*http.Response](t)(http.Get(url + "/_sim/events"))
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	next := func() string {
		for lines.Scan() {
			if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return text
			}
		}
		t.Fatal("the stream ended")
		return ""
	}
	first := next()
	must[string](t)(s.Post("UANA", "C0OPS", "hi", ""))
	if second := next(); second == first || !json.Valid([]byte(second)) {
		t.Errorf("%s then %s", first, second)
	}
}

func TestPageFetchesNothingFromOutside(t *testing.T) {
	_, url := workspace(t, slacksim.Options{})
	outside := regexp.MustCompile(`(?:src|href|url|import|from)\s*[=(]?\s*['"]https?:`)
	for _, f := range []string{"", "app.js", "dom.js", "mrkdwn.js", "fields.js", "blocks.js", "confirm.js", "modal.js",
		"style.css"} {
		res := must[*http.Response](t)(http.Get(url + "/" + f))
		raw, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != 200 || outside.Match(raw) {
			t.Errorf("%s: %s", f, res.Status)
		}
		if strings.HasSuffix(f, ".js") && !strings.HasPrefix(res.Header.Get("Content-Type"), "text/javascript") {
			t.Errorf("%s is %s", f, res.Header.Get("Content-Type"))
		}
		if !strings.Contains(res.Header.Get("Content-Security-Policy"), "default-src 'self'") {
			t.Errorf("%s has no policy", f)
		}
	}
}
