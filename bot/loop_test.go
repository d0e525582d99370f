package bot

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyholder/keyholder/bot/slackapi"
	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/workflows"
)

func TestClickBecomesOneCommandAndIsAcknowledgedAfterTheCommit(t *testing.T) {
	r := running(t, slacksim.Options{})
	p := r.posted(testCard("UANA"))
	committed, release := make(chan struct{}), make(chan struct{})
	r.desk.do = func(context.Context, workflows.Command) (workflows.Reply, error) {
		close(committed)
		<-release
		return workflows.Reply{Text: "You confirmed."}, nil
	}
	done := make(chan slacksim.ActionResult)
	go func() { done <- r.click("UANA", p, "transfer.confirm") }()
	<-committed
	if n := len(r.sim.Acks()); n != 0 {
		t.Errorf("%d acks before the commit", n)
	}
	close(release)
	<-done
	r.told("UANA", "You confirmed.")
	cmds := r.desk.seen()
	if len(cmds) != 1 {
		t.Fatalf("%d commands", len(cmds))
	}
	c := cmds[0]
	if c.Workflow != someWorkflow || c.Name != "transfer.confirm" || c.Round != 3 || c.Submitted ||
		c.Actor != (workflows.Actor{Kind: workflows.ByPerson, ID: "UANA", Team: "T0ACME"}) || c.ID == "" ||
		c.At.IsZero() {
		t.Errorf("command = %+v", c)
	}
	if n := len(r.sim.Acks()); n != 1 {
		t.Errorf("%d acks", n)
	}
}

func TestSlowRecordIsToldAsNotConfirmedInsideSlacksTime(t *testing.T) {
	t.Parallel()
	r := running(t, slacksim.Options{})
	p := r.posted(testCard("UANA"))
	r.desk.do = func(ctx context.Context, _ workflows.Command) (workflows.Reply, error) {
		<-ctx.Done()
		return workflows.Reply{}, fmt.Errorf("commit: %w", ctx.Err())
	}
	res := r.click("UANA", p, "transfer.confirm")
	if res.Took > 2900*time.Millisecond {
		t.Errorf("acknowledged after %v", res.Took)
	}
	text := r.told("UANA", "This click is not confirmed: the record did not answer in time.")
	ref := text[strings.Index(text, "(ref ")+5 : len(text)-1]
	if len(ref) != 4 || !strings.Contains(r.log.String(), `"ref":"`+ref+`"`) {
		t.Errorf("reference %q of %q is not in the log:\n%s", ref, text, r.log.String())
	}
}

func TestRecordThatIgnoresItsContextCannotHoldUpTheAnswer(t *testing.T) {
	t.Parallel()
	r := running(t, slacksim.Options{})
	p := r.posted(testCard("UANA"))
	release := make(chan struct{})
	r.desk.do = func(context.Context, workflows.Command) (workflows.Reply, error) {
		<-release
		return workflows.Reply{Text: "too late"}, nil
	}
	r.click("UANA", p, "transfer.confirm")
	r.told("UANA", "not confirmed")
	close(release)
}

func TestErrorsOfTheRecordAreSentences(t *testing.T) {
	r := running(t, slacksim.Options{})
	p := r.posted(testCard("UANA"))
	for _, c := range []struct {
		err  error
		want string
	}{
		{workflows.Refuse("barred", "You asked for this, so you cannot confirm it too. Nothing was recorded."),
			"You asked for this"},
		{fmt.Errorf("commit: %w", workflows.ErrUnclear), "This click is not confirmed"},
		{fmt.Errorf("load: %w", workflows.ErrAway), "nothing was recorded"},
		{fmt.Errorf("find: %w", workflows.ErrNoWorkflow), "nothing under that ID"},
		{fmt.Errorf("facts: %w", workflows.ErrStaleFacts), "Slack did not say in time who may decide"},
		{errors.New("postgres://secret"), "Something went wrong"},
	} {
		r.desk.mu.Lock()
		r.desk.do = func(context.Context, workflows.Command) (workflows.Reply, error) {
			return workflows.Reply{}, c.err
		}
		r.desk.mu.Unlock()
		r.click("UANA", p, "transfer.confirm")
		if text := r.told("UANA", c.want); strings.Contains(text, "postgres") {
			t.Errorf("an inner error reached the person: %q", text)
		}
	}
}

func TestPanicInTheRecordIsAnsweredAndTheBotLives(t *testing.T) {
	r := running(t, slacksim.Options{})
	p := r.posted(testCard("UANA"))
	r.desk.do = func(_ context.Context, c workflows.Command) (workflows.Reply, error) {
		if c.Actor.ID == "UANA" {
			panic("impossible")
		}
		return workflows.Reply{Text: "fine"}, nil
	}
	r.click("UANA", p, "transfer.confirm")
	r.told("UANA", "Something went wrong")
	q := r.posted(testCard("UBEN"))
	r.click("UBEN", q, "transfer.confirm")
	r.told("UBEN", "fine")
}

func TestFormOfAClickIsOpenedWithItsTrigger(t *testing.T) {
	r := running(t, slacksim.Options{})
	p := r.posted(testCard("UANA"))
	r.desk.do = func(_ context.Context, c workflows.Command) (workflows.Reply, error) {
		if !c.Submitted {
			return workflows.Reply{Modal: &workflows.Modal{Callback: "transfer.reason", Title: "Refuse",
				Submit: "Refuse", Workflow: c.Workflow, Action: c.Name, Round: c.Round,
				Inputs: []workflows.Input{{Block: "reason", Kind: workflows.InputText, Label: "Why",
					Multiline: true}}}}, nil
		}
		if c.Input["reason"] == "no" {
			return workflows.Reply{}, &workflows.Refusal{Code: "short", Text: "Say a little more.", Field: "reason"}
		}
		return workflows.Reply{Text: "Refused for: " + c.Input["reason"]}, nil
	}
	r.click("UANA", p, "transfer.refuse")
	r.until(func(n *slacksim.Snapshot) bool { return len(n.Views("UANA")) == 1 })
	view := r.sim.Views("UANA")[0]
	res, err := r.sim.SubmitView(r.ctx(), "UANA", view.ID, map[string]map[string]any{"reason": {"reason": "no"}})
	if err != nil || res.Errors["reason"] != "Say a little more." || len(r.sim.Views("UANA")) != 1 {
		t.Fatalf("a refusal with a field: %+v, %v", res, err)
	}
	if _, err := r.sim.SubmitView(r.ctx(), "UANA", view.ID,
		map[string]map[string]any{"reason": {"reason": "wrong mailbox"}}); err != nil {
		t.Fatal(err)
	}
	r.told("UANA", "Refused for: wrong mailbox")
	cmds := r.desk.seen()
	last := cmds[len(cmds)-1]
	if last.Name != "transfer.refuse" || last.Workflow != someWorkflow || last.Round != 3 || !last.Submitted ||
		last.ID != cmds[len(cmds)-2].ID {
		t.Errorf("command = %+v", last)
	}
}

func TestRequestFormOpensOneWorkflowHoweverOftenItIsSent(t *testing.T) {
	r := running(t, slacksim.Options{})
	var tries atomic.Int32
	r.desk.do = func(_ context.Context, c workflows.Command) (workflows.Reply, error) {
		if tries.Add(1) == 1 {
			return workflows.Reply{}, workflows.ErrUnclear
		}
		return workflows.Reply{Text: "Asked."}, nil
	}
	if text := r.slash("UDEE", "transfer acme"); text != "" {
		t.Fatalf("answer = %q", text)
	}
	views := r.sim.Views("UDEE")
	if len(views) != 1 {
		t.Fatal("no form was opened")
	}
	values := map[string]map[string]any{"new_owner_person": {"new_owner_person": "UANA"},
		"reason": {"reason": "Jane leaves."}}
	res, err := r.sim.SubmitView(r.ctx(), "UDEE", views[0].ID, values)
	if err != nil || !strings.Contains(res.Errors["account"], "Sending twice counts once") {
		t.Fatalf("unclear: %+v, %v", res, err)
	}
	if _, err := r.sim.SubmitView(r.ctx(), "UDEE", views[0].ID, nil); err != nil {
		t.Fatal(err)
	}
	r.told("UDEE", "Asked.")
	c := r.desk.seen()
	if len(c) != 2 || c[0].ID != c[1].ID || c[0].Workflow != c[1].Workflow || c[0].Name != "transfer.request" ||
		c[0].Account != "acme" ||
		c[0].Input["new_owner_person"] != "UANA" || c[0].Input["reason"] != "Jane leaves." || !c[0].Submitted {
		t.Errorf("commands = %+v", c)
	}
}

func TestForeignersAreRefusedPrivatelyBeforeAnythingElse(t *testing.T) {
	r := running(t, slacksim.Options{})
	p := r.posted(testCard("C0OPS"))
	r.click("UFOREIGN", p, "transfer.confirm")
	r.told("UFOREIGN", "another Slack workspace")
	if n := len(r.desk.seen()); n != 0 {
		t.Errorf("%d commands", n)
	}
}

func TestHostilePayloadsRecordNothingAndHarmNothing(t *testing.T) {
	r := running(t, slacksim.Options{})
	p := r.posted(testCard("UANA"))
	for name, f := range map[string]slacksim.Forged{
		"value":          {Value: "../../etc"},
		"empty value":    {Value: ""},
		"block":          {BlockID: "transfer:-1"},
		"block machine":  {BlockID: "access:3"},
		"round overflow": {BlockID: "transfer:99999999999999999999"},
		"action":         {ActionID: "transfer.confirm.more"},
		"machine":        {ActionID: "evil.confirm", BlockID: "evil:3"},
	} {
		g := slacksim.Forged{User: "UANA", Channel: p.Channel, MessageTS: p.TS, BlockID: "transfer:3",
			ActionID: "transfer.confirm", Value: someWorkflow}
		switch {
		case f.BlockID != "" && f.ActionID != "":
			g.BlockID, g.ActionID = f.BlockID, f.ActionID
		case f.BlockID != "":
			g.BlockID = f.BlockID
		case f.ActionID != "":
			g.ActionID = f.ActionID
		default:
			g.Value = f.Value
		}
		if _, err := r.sim.ClickForged(r.ctx(), g); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, payload := range []map[string]any{
		{}, {"type": "block_actions"}, {"type": "block_actions", "user": 7, "actions": "x"},
		{"type": "view_submission", "user": map[string]any{"id": "UANA"}},
		{"type": "view_submission", "user": map[string]any{"id": "UANA", "team_id": "T0ACME"},
			"view": map[string]any{"id": "V1", "callback_id": "transfer.reason", "private_metadata": "{"}},
		{"type": "shortcut", "user": map[string]any{"id": "UANA"}}, {"type": []int{1}},
	} {
		if res, err := r.sim.SendInteractive(r.ctx(), payload); err != nil {
			t.Errorf("%v: %v (%+v)", payload, err, res)
		}
	}
	for _, raw := range []string{`{"type":"hello`, `[]`, `{"type":"new_kind","envelope_id":"e-new","payload":{}}`,
		`{"envelope_id":"e-none"}`, `null`, `{"type":"interactive","envelope_id":"e-odd","payload":"text"}`} {
		r.sim.SendRaw([]byte(raw))
	}
	r.told("UANA", "Keyholder cannot read what was pressed")
	if text := r.slash("UANA", "help"); !strings.Contains(text, "/io status") {
		t.Errorf("after garbage, help = %q", text)
	}
	if n := len(r.desk.seen()); n != 0 {
		t.Errorf("%d commands came of garbage: %+v", n, r.desk.seen())
	}
}

func TestFloodIsAnsweredToTheLastClick(t *testing.T) {
	r := running(t, slacksim.Options{})
	p := r.posted(testCard("C0OPS"))
	var wg sync.WaitGroup
	var late atomic.Int32
	for i := range 200 {
		wg.Go(func() {
			_, err := r.sim.Click(r.ctx(), []string{"UANA", "UBEN", "UCAT", "UDEE"}[i%4], p.Channel, p.TS, "transfer:3",
				"transfer.confirm")
			if err != nil {
				late.Add(1)
			}
		})
	}
	wg.Wait()
	if n := late.Load(); n > 0 {
		t.Errorf("%d of 200 clicks were not acknowledged in time", n)
	}
	seen := map[string]bool{}
	for _, c := range r.desk.seen() {
		seen[c.ID] = true
	}
	if len(seen) == 0 {
		t.Error("no click was decided")
	}
	acks := map[string]int{}
	for _, a := range r.sim.Acks() {
		acks[a.EnvelopeID]++
	}
	for id, n := range acks {
		if n != 1 {
			t.Errorf("envelope %s was acknowledged %d times", id, n)
		}
	}
}

func TestFullQueueSaysThatNothingWasRecorded(t *testing.T) {
	r := running(t, slacksim.Options{})
	// Every worker is held by a click; what follows fills the queue and then the other one.
	release := make(chan struct{})
	r.desk.do = func(context.Context, workflows.Command) (workflows.Reply, error) {
		<-release
		return workflows.Reply{}, nil
	}
	r.bot.place(envelope{}, false) // nothing to answer: must not trouble anybody
	p := r.posted(testCard("C0OPS"))
	res := make(chan error, workerCount)
	for range workerCount {
		go func() {
			_, err := r.sim.Click(r.ctx(), "UANA", p.Channel, p.TS, "transfer:3", "transfer.confirm")
			res <- err
		}()
	}
	r.soon(func() bool { return len(r.desk.seen()) == workerCount })
	for range queueSize { // the queue is filled by hand: garbage that the workers will shrug off
		r.bot.queue <- envelope{kind: kindOther, at: time.Now()}
	}
	text := r.slash("UBEN", "help")
	if !strings.Contains(text, "busy: nothing was recorded") {
		t.Errorf("answer = %q", text)
	}
	close(release)
	for range workerCount {
		<-res
	}
}

func TestRefreshAndCutConnectionsAreSurvived(t *testing.T) {
	r := running(t, slacksim.Options{CloseAfter: 10 * time.Millisecond})
	for _, cut := range []func(){
		func() { r.sim.Disconnect(slacksim.ReasonRefreshRequested) },
		func() { r.sim.DropConnections() },
	} {
		cut()
		r.soon(func() bool {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			res, err := r.sim.SlashCommand(ctx, "UANA", "C0OPS", "/io", "help")
			return err == nil && strings.Contains(res.Text, "/io status")
		})
	}
	r.soon(r.bot.Connected)
}

func TestReconnectStormIsSlowedDown(t *testing.T) {
	t.Parallel()
	r := running(t, slacksim.Options{CloseAfter: time.Millisecond})
	for range 2 * slackapi.OpensBurst {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		err := r.sim.Wait(ctx, func(n *slacksim.Snapshot) bool { return n.Connections() > 0 })
		cancel()
		if err != nil {
			break
		}
		r.sim.DropConnections()
	}
	if n := count(r.sim.Calls(), "apps.connections.open"); n > slackapi.OpensBurst+1 {
		t.Errorf("opened %d times at once", n)
	}
	r.soon(func() bool { return strings.Contains(r.log.String(), "opening them more slowly") })
	if r.bot.Connected() {
		t.Error("says connected while it waits to connect")
	}
}

func TestTokensThatCannotWorkEndTheRunWithASentence(t *testing.T) {
	for _, code := range []string{"invalid_auth", "missing_scope", "not_allowed_token_type", "forbidden_team",
		"token_expired", "token_revoked", "account_inactive"} {
		for _, method := range []string{"apps.connections.open", "auth.test"} {
			r := stopped(t, slacksim.Options{})
			r.sim.InjectFault(slacksim.Rule{Method: method, Kind: slacksim.FaultAPIError, Reason: code})
			err := r.bot.Run(r.ctx())
			var f *FatalError
			if !errors.As(err, &f) || f.Code != code || !strings.HasSuffix(f.Advice, ".") {
				t.Errorf("%s at %s: %v", code, method, err)
			}
		}
	}
}

func TestSlacksOwnTroubleAtTheStartIsWaitedOut(t *testing.T) {
	t.Parallel()
	r := stopped(t, slacksim.Options{})
	r.sim.InjectFault(slacksim.Rule{Method: "auth.test", Kind: slacksim.FaultErrorBefore, Times: 1})
	r.sim.InjectFault(slacksim.Rule{Method: "apps.connections.open", Kind: slacksim.FaultAPIError,
		Reason: "internal_error", Times: 1})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.bot.Run(ctx) }()
	r.soon(r.bot.Connected)
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestEndFinishesWhatIsInFlight(t *testing.T) {
	r := running(t, slacksim.Options{})
	p := r.posted(testCard("UANA"))
	started, release := make(chan struct{}), make(chan struct{})
	r.desk.do = func(context.Context, workflows.Command) (workflows.Reply, error) {
		close(started)
		<-release
		return workflows.Reply{Text: "stored"}, nil
	}
	clicked := make(chan error, 1)
	go func() {
		_, err := r.sim.Click(r.ctx(), "UANA", p.Channel, p.TS, "transfer:3", "transfer.confirm")
		clicked <- err
	}()
	<-started
	ended := make(chan error, 1)
	go func() { ended <- r.stop() }()
	r.soon(r.bot.ending.Load)
	if text := r.slash("UBEN", "help"); !strings.Contains(text, "being restarted: nothing was recorded") {
		t.Errorf("while ending: %q", text)
	}
	close(release)
	if err := <-clicked; err != nil {
		t.Errorf("the click in flight: %v", err)
	}
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
	r.told("UANA", "stored")
}

func TestPrivateAnswerFindsAnotherWay(t *testing.T) {
	r := running(t, slacksim.Options{})
	p := r.posted(testCard("C0OPS"))
	r.sim.InjectFault(slacksim.Rule{Method: "chat.postEphemeral", Kind: slacksim.FaultAPIError,
		Reason: "channel_not_found"})
	r.click("UANA", p, "transfer.confirm")
	r.told("UANA", "Recorded.")
	if n := count(r.sim.Calls(), "chat.postMessage"); n != 1 {
		t.Errorf("%d posts: the response_url should have been enough", n)
	}
	r.sim.InjectFault(slacksim.Rule{Method: "response_url", Kind: slacksim.FaultErrorBefore})
	r.click("UBEN", p, "transfer.confirm")
	r.until(func(n *slacksim.Snapshot) bool {
		m := n.Messages(n.DM("UBEN"))
		return len(m) == 1 && m[0].Text == "Recorded."
	})
}

func TestPrivateAnswerWaitsWhenSlackSaysSo(t *testing.T) {
	r := running(t, slacksim.Options{})
	p := r.posted(testCard("C0OPS"))
	r.sim.InjectFault(slacksim.Rule{Method: "chat.postEphemeral", Kind: slacksim.FaultAPIError,
		Reason: "channel_not_found"})
	r.sim.InjectFault(slacksim.Rule{Method: "response_url", Kind: slacksim.FaultErrorBefore})
	r.sim.InjectFault(slacksim.Rule{Method: "chat.postMessage", Kind: slacksim.FaultRateLimited, Times: 1})
	r.click("UBEN", p, "transfer.confirm")
	r.until(func(n *slacksim.Snapshot) bool {
		m := n.Messages(n.DM("UBEN"))
		return len(m) == 1 && m[0].Text == "Recorded."
	})
}

func TestSilentSocketIsNotConnected(t *testing.T) {
	now := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	a := newAlive(func() time.Time { return now })
	near, far := net.Pipe()
	defer far.Close()
	c := &watchedConn{Conn: near, a: a}
	a.conn = c
	if a.connected() {
		t.Error("connected before hello")
	}
	a.said()
	now = now.Add(deafAfter - time.Second)
	if !a.connected() {
		t.Error("not connected after hello")
	}
	now = now.Add(2 * time.Second)
	if a.connected() {
		t.Error("connected although deaf")
	}
	go far.Write([]byte("ping"))
	if _, err := c.Read(make([]byte, 8)); err != nil || !a.connected() {
		t.Errorf("a ping does not count: %v", err)
	}
	c.Close()
	if a.connected() {
		t.Error("connected after the end")
	}
}

func TestPersonWithoutADirectMessageGetsOne(t *testing.T) {
	r := stopped(t, slacksim.Options{})
	r.sim.InjectFault(slacksim.Rule{Method: "chat.postMessage", Kind: slacksim.FaultAPIError,
		Reason: "channel_not_found", Times: 1})
	if p := r.posted(testCard("UANA")); p.Channel != r.sim.DM("UANA") || p.Channel == "" {
		t.Errorf("posted to %+v", p)
	}
}

func TestRefusedFormIsClosedAndToldWithTheLinkOfWhatIsMeant(t *testing.T) {
	r := running(t, slacksim.Options{})
	p := r.posted(testCard("UDEE"))
	r.desk.places = map[string]workflows.Place{someWorkflow + "/UDEE": p}
	r.desk.do = func(context.Context, workflows.Command) (workflows.Reply, error) {
		return workflows.Reply{}, fmt.Errorf("decide: %w", &workflows.Refusal{Code: "locked",
			Text: "Another transfer is open. Nothing was recorded. See there.", Link: someWorkflow})
	}
	r.slash("UDEE", "transfer")
	view := r.sim.Views("UDEE")[0]
	if res, err := r.sim.SubmitView(r.ctx(), "UDEE", view.ID,
		map[string]map[string]any{"reason": {"reason": "x"}}); err != nil || len(res.Errors) > 0 ||
		len(r.sim.Views("UDEE")) != 0 {
		t.Fatalf("%+v, %v", res, err)
	}
	if text := r.told("UDEE", "Another transfer is open."); !strings.Contains(text, "/archives/"+p.Channel) {
		t.Errorf("no link in %q", text)
	}
}

func TestUnknownAccountOfAFormIsShownAtItsField(t *testing.T) {
	r := running(t, slacksim.Options{})
	r.slash("UDEE", "transfer")
	r.desk.accounts = nil // removed from the file meanwhile
	view := r.sim.Views("UDEE")[0]
	res, err := r.sim.SubmitView(r.ctx(), "UDEE", view.ID, map[string]map[string]any{"reason": {"reason": "x"}})
	if err != nil || !strings.Contains(res.Errors["account"], "not configured here") || len(r.desk.seen()) != 0 {
		t.Errorf("%+v, %v", res, err)
	}
}

func TestFormThatFollowsAFormIsAViewOfItsOwn(t *testing.T) {
	r := running(t, slacksim.Options{})
	r.desk.do = func(_ context.Context, c workflows.Command) (workflows.Reply, error) {
		if c.Name == "transfer.request" {
			return workflows.Reply{Modal: &workflows.Modal{Callback: "transfer.reason", Title: "More", Submit: "Send",
				Workflow: someWorkflow, Action: "transfer.waive",
				Inputs: []workflows.Input{{Block: "reason", Kind: workflows.InputText, Label: "Why"}}}}, nil
		}
		return workflows.Reply{Text: "Thank you."}, nil
	}
	r.slash("UDEE", "transfer")
	first := r.sim.Views("UDEE")[0]
	if _, err := r.sim.SubmitView(r.ctx(), "UDEE", first.ID,
		map[string]map[string]any{"reason": {"reason": "x"}}); err != nil {
		t.Fatal(err)
	}
	views := r.sim.Views("UDEE")
	second := views[len(views)-1]
	if second.ID == first.ID || second.CallbackID != "transfer.reason" {
		t.Fatalf("views = %+v", views)
	}
	if _, err := r.sim.SubmitView(r.ctx(), "UDEE", second.ID,
		map[string]map[string]any{"reason": {"reason": "y"}}); err != nil {
		t.Fatal(err)
	}
	r.told("UDEE", "Thank you.")
	c := r.desk.seen()
	if len(c) != 2 || c[0].ID == c[1].ID || c[1].Name != "transfer.waive" {
		t.Errorf("commands = %+v", c)
	}
}

func TestMembersOfOurOrganisationMayActFromAnotherWorkspace(t *testing.T) {
	r := stopped(t, slacksim.Options{})
	r.sim.AddUser(slacksim.User{ID: "USISTER", Name: "sister", TeamID: "T0SISTER", EnterpriseID: "E1"})
	r.sim.AddUser(slacksim.User{ID: "UOTHER", Name: "other", TeamID: "T0OTHER", EnterpriseID: "E2"})
	r.as(`{"ok":true,"team_id":"T0ACME","enterprise_id":"E1","user_id":"U0BOT"}`)
	for user, want := range map[string]string{"UANA": "", "USISTER": "", "UOTHER": codeForeign,
		"UNOBODY": codeUnknownPerson} {
		team := map[string]string{"UANA": "T0ACME", "USISTER": "T0SISTER", "UOTHER": "T0OTHER"}[user]
		v := &visit{b: r.bot, at: time.Now(), arrival: arrival{who: visitor{user: user, team: team}}}
		err := v.mayAct(r.ctx())
		if (want == "") != (err == nil) || (err != nil && codeOf(err) != want) {
			t.Errorf("%s: %v, want %q", user, err, want)
		}
	}
	r.sim.InjectFault(slacksim.Rule{Method: "users.info", Kind: slacksim.FaultErrorBefore})
	v := &visit{b: r.bot, at: time.Now(), arrival: arrival{who: visitor{user: "UBEN", team: "T0SISTER"}}}
	if err := v.mayAct(r.ctx()); codeOf(err) != codeNoSlack {
		t.Errorf("while Slack does not answer: %v", err)
	}
}
