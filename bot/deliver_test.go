package bot

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/bot/slackapi"
	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/workflows"
)

// live are the app's messages of a channel that are there: not deleted, not private answers.
func live(s *slacksim.Server, channel string) (out []slacksim.Message) {
	for _, m := range s.Messages(channel) {
		if !m.Deleted && m.EphemeralTo == "" && m.BotID != "" {
			out = append(out, m)
		}
	}
	return out
}

func TestCardIsPostedThenChangedInPlace(t *testing.T) {
	r := stopped(t, slacksim.Options{})
	lease := &leaseStub{}
	claim := claimOf(testCard("UANA"))
	out := r.bot.Deliver(r.ctx(), claim, lease)
	dm := r.sim.DM("UANA")
	if !out.Done || out.Place.Channel != dm || out.Place.TS == "" || out.Place.Revision != 4 || lease.held != 1 {
		t.Fatalf("post: %+v, held %d", out, lease.held)
	}
	var meta struct {
		EventType    string            `json:"event_type"`
		EventPayload map[string]string `json:"event_payload"`
	}
	m := live(r.sim, dm)
	if len(m) != 1 || json.Unmarshal(m[0].Metadata, &meta) != nil || meta.EventType != metadataType ||
		meta.EventPayload["effect"] != claim.Effect.Key || m[0].Text != "Confirm?" {
		t.Fatalf("message = %+v", m)
	}
	claim.Place, claim.Effect.Revision = out.Place, 5
	claim.Effect.Card = &workflows.Card{Name: "main", Recipient: "UANA", Title: "Done", Fallback: "Done"}
	out = r.bot.Deliver(r.ctx(), claim, lease)
	m = live(r.sim, dm)
	if !out.Done || out.Place.Revision != 5 || len(m) != 1 || m[0].Edits != 1 || m[0].Text != "Done" ||
		strings.Contains(string(m[0].Blocks), "actions") {
		t.Errorf("update: %+v, %+v", out, m)
	}
}

func TestUnclearPostLeavesExactlyOneMessage(t *testing.T) {
	for _, kind := range []slacksim.FaultKind{slacksim.FaultErrorAfter, slacksim.FaultDropAfter} {
		for _, recipient := range []string{"UANA", "C0OPS"} {
			r := stopped(t, slacksim.Options{})
			r.sim.InjectFault(slacksim.Rule{Method: "chat.postMessage", Kind: kind, Times: 1})
			claim := claimOf(testCard(recipient))
			out := r.bot.Deliver(r.ctx(), claim, &leaseStub{})
			if out.Done || !out.Again || out.Refused {
				t.Fatalf("%s: %+v", kind, out)
			}
			claim.Attempts, claim.Effect.Revision = 1, 6
			claim.Effect.Card.Title = "Newer"
			out = r.bot.Deliver(r.ctx(), claim, &leaseStub{})
			channel := recipient
			if recipient == "UANA" {
				channel = r.sim.DM("UANA")
			}
			m := live(r.sim, channel)
			if !out.Done || len(m) != 1 || out.Place.TS != m[0].TS || !strings.Contains(string(m[0].Blocks), "Newer") {
				t.Errorf("%s to %s: %+v, %d messages", kind, recipient, out, len(m))
			}
		}
	}
}

// Whoever writes to Redis can make the bot deliver a card of the ledger again, with a place of
// their own or as if an earlier attempt was unclear.
func TestWhatTheLedgerPostedIsNeverChanged(t *testing.T) {
	r := stopped(t, slacksim.Options{})
	claim := claimOf(testCard("C0OPS"))
	claim.Effect.Workflow = workflows.LedgerID(4)
	first := r.bot.Deliver(r.ctx(), claim, &leaseStub{})
	if !first.Done || len(live(r.sim, "C0OPS")) != 1 {
		t.Fatalf("%+v", first)
	}
	was := live(r.sim, "C0OPS")[0]
	forged := *claim.Effect.Card
	forged.Title, forged.Fallback = "Forged", "Forged"
	claim.Effect.Card = &forged
	for attempts := range 2 {
		claim.Place, claim.Attempts = first.Place, attempts
		out := r.bot.Deliver(r.ctx(), claim, &leaseStub{})
		if !out.Done {
			t.Fatalf("attempt %d: %+v", attempts, out)
		}
	}
	for _, m := range live(r.sim, "C0OPS") {
		if m.Edits != 0 || m.TS == was.TS && m.Text != was.Text {
			t.Errorf("changed: %+v", m)
		}
	}
	if n := len(live(r.sim, "C0OPS")); n != 2 {
		t.Errorf("%d messages: a stored place was used, or what stood there was not found again", n)
	}
}

func TestUnclearReplyIsFoundInItsThread(t *testing.T) {
	r := stopped(t, slacksim.Options{})
	parent := r.posted(testCard("C0OPS"))
	card := workflows.Card{Name: "outcome", Recipient: "C0OPS", Under: "main", Title: "Done", Fallback: "Done"}
	claim := claimOf(card)
	claim.Parent = parent
	r.sim.InjectFault(slacksim.Rule{Method: "chat.postMessage", Kind: slacksim.FaultErrorAfter, Times: 1})
	if out := r.bot.Deliver(r.ctx(), claim, &leaseStub{}); !out.Again {
		t.Fatalf("%+v", out)
	}
	claim.Attempts = 1
	out := r.bot.Deliver(r.ctx(), claim, &leaseStub{})
	m := live(r.sim, "C0OPS")
	if !out.Done || len(m) != 2 || m[1].ThreadTS != parent.TS || out.Place.TS != m[1].TS {
		t.Errorf("%+v, %+v", out, m)
	}
}

func TestReplyWaitsForTheCardAboveButNotForEver(t *testing.T) {
	r := stopped(t, slacksim.Options{})
	claim := claimOf(workflows.Card{Name: "outcome", Recipient: "C0OPS", Under: "main", Title: "Done",
		Fallback: "Done"})
	if out := r.bot.Deliver(r.ctx(), claim, &leaseStub{}); !out.Again || out.After != time.Second ||
		len(live(r.sim, "C0OPS")) != 0 {
		t.Errorf("at once: %+v", out)
	}
	claim.Effect.Made = time.Now().Add(-2 * parentPatience)
	if out := r.bot.Deliver(r.ctx(), claim, &leaseStub{}); !out.Done || len(live(r.sim, "C0OPS")) != 1 {
		t.Errorf("later: %+v", out)
	}
}

func TestWithoutHistoryScopeTheCardIsPostedAgainAndTheLogSaysSo(t *testing.T) {
	r := stopped(t, slacksim.Options{Scopes: []string{"commands", "chat:write", "im:write", "users:read"}})
	r.sim.InjectFault(slacksim.Rule{Method: "chat.postMessage", Kind: slacksim.FaultErrorAfter, Times: 1})
	claim := claimOf(testCard("UANA"))
	r.bot.Deliver(r.ctx(), claim, &leaseStub{})
	claim.Attempts = 1
	out := r.bot.Deliver(r.ctx(), claim, &leaseStub{})
	if !out.Done || len(live(r.sim, r.sim.DM("UANA"))) != 2 || !strings.Contains(r.log.String(), "may appear twice") {
		t.Errorf("%+v\n%s", out, r.log.String())
	}
}

func TestSearchThatFailsPostsNothing(t *testing.T) {
	r := stopped(t, slacksim.Options{})
	r.sim.InjectFault(slacksim.Rule{Method: "conversations.history", Kind: slacksim.FaultErrorBefore})
	claim := claimOf(testCard("C0OPS"))
	claim.Attempts = 2
	if out := r.bot.Deliver(r.ctx(), claim, &leaseStub{}); !out.Again || len(live(r.sim, "C0OPS")) != 0 {
		t.Errorf("%+v", out)
	}
}

func TestCardThatSomebodyDeletedIsPostedAnew(t *testing.T) {
	for _, code := range []string{"message_not_found", "cant_update_message", "edit_window_closed"} {
		r := stopped(t, slacksim.Options{})
		claim := claimOf(testCard("C0OPS"))
		claim.Place = r.posted(testCard("C0OPS"))
		r.sim.InjectFault(slacksim.Rule{Method: "chat.update", Kind: slacksim.FaultAPIError, Reason: code, Times: 1})
		out := r.bot.Deliver(r.ctx(), claim, &leaseStub{})
		if !out.Done || out.Place.TS == claim.Place.TS || len(live(r.sim, "C0OPS")) != 2 {
			t.Errorf("%s: %+v", code, out)
		}
	}
}

func TestWhatSlackAnswersDecidesWhatTheCourierDoes(t *testing.T) {
	for _, c := range []struct {
		rule    slacksim.Rule
		again   bool
		limited bool
		after   time.Duration
		refused bool
	}{
		{slacksim.Rule{Kind: slacksim.FaultRateLimited, RetryAfter: 7 * time.Second}, true, true, 7 * time.Second,
			false},
		{slacksim.Rule{Kind: slacksim.FaultRateLimitedBare}, true, true, slackapi.LimitedFor, false},
		{slacksim.Rule{Kind: slacksim.FaultErrorBefore}, true, false, 0, false},
		{slacksim.Rule{Kind: slacksim.FaultDrop}, true, false, 0, false},
		{slacksim.Rule{Kind: slacksim.FaultAPIError, Reason: "internal_error"}, true, false, 0, false},
		{slacksim.Rule{Kind: slacksim.FaultAPIError, Reason: "service_unavailable"}, true, false, 0, false},
		{slacksim.Rule{Kind: slacksim.FaultAPIError, Reason: "request_timeout"}, true, false, 0, false},
		{slacksim.Rule{Kind: slacksim.FaultAPIError, Reason: "ratelimited"}, true, true, slackapi.LimitedFor, false},
		{slacksim.Rule{Kind: slacksim.FaultAPIError, Reason: "rate_limited"}, true, true, slackapi.LimitedFor, false},
		{slacksim.Rule{Kind: slacksim.FaultAPIError, Reason: "token_revoked"}, true, false, tokenPatience, false},
		{slacksim.Rule{Kind: slacksim.FaultAPIError, Reason: "missing_scope"}, true, false, tokenPatience, false},
		{slacksim.Rule{Kind: slacksim.FaultAPIError, Reason: "channel_not_found"}, false, false, 0, true},
		{slacksim.Rule{Kind: slacksim.FaultAPIError, Reason: "not_in_channel"}, false, false, 0, true},
		{slacksim.Rule{Kind: slacksim.FaultAPIError, Reason: "user_disabled"}, false, false, 0, true},
		{slacksim.Rule{Kind: slacksim.FaultAPIError, Reason: "is_archived"}, false, false, 0, true},
		{slacksim.Rule{Kind: slacksim.FaultAPIError, Reason: "invalid_blocks"}, false, false, 0, true},
		{slacksim.Rule{Kind: slacksim.FaultAPIError, Reason: "msg_too_long"}, false, false, 0, true},
	} {
		for _, method := range []string{"chat.postMessage", "chat.update"} {
			r := stopped(t, slacksim.Options{})
			claim := claimOf(testCard("C0OPS"))
			if method == "chat.update" {
				claim.Place = r.posted(testCard("C0OPS"))
			}
			c.rule.Method = method
			r.sim.InjectFault(c.rule)
			out := r.bot.Deliver(r.ctx(), claim, &leaseStub{})
			if out.Done || out.Again != c.again || out.Limited != c.limited || out.After != c.after ||
				out.Refused != c.refused || out.Err == nil {
				t.Errorf("%s %s %s: %+v", method, c.rule.Kind, c.rule.Reason, out)
			}
			if c.refused && (out.Receipt == nil || out.Receipt.Code != c.rule.Reason) {
				t.Errorf("%s: receipt %+v", c.rule.Reason, out.Receipt)
			}
		}
	}
}

func TestLostLeaseSendsNothing(t *testing.T) {
	r := stopped(t, slacksim.Options{})
	out := r.bot.Deliver(r.ctx(), claimOf(testCard("C0OPS")), &leaseStub{err: workflows.ErrLeaseLost})
	if !errors.Is(out.Err, workflows.ErrLeaseLost) || out.Done || len(r.sim.Calls()) != 0 {
		t.Errorf("%+v, %d calls", out, len(r.sim.Calls()))
	}
}

func TestConversationGetsOneMessageASecondAfterABurst(t *testing.T) {
	var p paces
	now := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	var waits []time.Duration
	refused := 0
	for range 12 {
		d, ok := p.turn("C1", now)
		if !ok {
			refused++
			continue
		}
		waits = append(waits, d)
	}
	if len(waits) != postBurst+2 || refused != 6 || waits[0] != 0 || waits[postBurst] != time.Second {
		t.Errorf("waits %v, refused %d", waits, refused)
	}
	if d, ok := p.turn("C2", now); d != 0 || !ok {
		t.Errorf("another conversation waits %v", d)
	}
	if d, ok := p.turn("C1", now.Add(time.Minute)); d != 0 || !ok {
		t.Errorf("a minute later: %v %v", d, ok)
	}
}

func TestChangesGoOneByOneForAMinuteAfterOneWasRefusedAsTooMany(t *testing.T) {
	var p paces
	now := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	at := func(now time.Time) (let int, last time.Duration) {
		for range 32 {
			if d, ok := p.change(now); ok {
				let, last = let+1, d
			}
		}
		return let, last
	}
	if let, last := at(now); let != 32 || last != 0 {
		t.Errorf("before a refusal %d of 32 changes may go, the last after %v", let, last)
	}
	p.hold(everyChange, now.Add(2*time.Second))
	p.hold(everyChange, now.Add(time.Second))
	if wait := p.holds(everyChange, now); wait != 2*time.Second {
		t.Errorf("a later refusal with a shorter pause made the pause %v", wait)
	}
	if let, last := at(now.Add(2 * time.Second)); let != 2 || last != changeEvery {
		t.Errorf("when the pause is over %d of 32 changes may go, the last after %v", let, last)
	}
	if let, last := at(now.Add(2*time.Second + cautiousFor + time.Millisecond)); let != 32 || last != 0 {
		t.Errorf("after a minute without a refusal %d of 32 changes may go, the last after %v", let, last)
	}
}

func TestProbeNamesWhatIsMissingAndWhatIsLostByIt(t *testing.T) {
	r := stopped(t, slacksim.Options{Scopes: []string{"commands", "chat:write", "users:read", "channels:read"}})
	r.sim.AddChannel(slacksim.Channel{ID: "C0ELSE", Name: "else", Members: []string{"UANA"}})
	p, err := LookAt(r.ctx(), r.bot.api, "C0OPS", "C0ELSE", "C0NONE")
	if err != nil {
		t.Fatal(err)
	}
	missing := map[string]Scope{}
	for _, s := range p.Missing {
		missing[s.Name] = s
	}
	if !missing["im:write"].Needed || missing["users:read.email"].Needed || missing["users:read.email"].Lost == "" ||
		missing["chat:write"].Name != "" {
		t.Errorf("missing = %+v", p.Missing)
	}
	if p.TeamID != "T0ACME" || p.BotUser != "U0BOT" || p.AppToken != "" {
		t.Errorf("probe = %+v", p)
	}
	faults := map[string]string{}
	for _, c := range p.Channels {
		faults[c.ID] = c.Fault
	}
	if faults["C0OPS"] != "" || !strings.Contains(faults["C0ELSE"], "not a member") ||
		!strings.Contains(faults["C0NONE"], "Check the ID") {
		t.Errorf("channels = %+v", p.Channels)
	}
	r.sim.InjectFault(slacksim.Rule{Method: "apps.connections.open", Kind: slacksim.FaultAPIError,
		Reason: "invalid_auth"})
	if p, err = LookAt(r.ctx(), r.bot.api); err != nil || !strings.Contains(p.AppToken, "SLACK_APP_TOKEN") {
		t.Errorf("bad app token: %+v, %v", p, err)
	}
	r.sim.InjectFault(slacksim.Rule{Method: "auth.test", Kind: slacksim.FaultAPIError, Reason: "invalid_auth"})
	var f *FatalError
	if _, err = LookAt(r.ctx(), r.bot.api); !errors.As(err, &f) {
		t.Errorf("bad bot token: %v", err)
	}
}

func TestOptionsNameEveryFault(t *testing.T) {
	_, err := New(Options{})
	for _, want := range []string{"road to Slack", "clock"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not named in %v", want, err)
		}
	}
}

func TestMetadataOfOthersIsNotAdopted(t *testing.T) {
	r := stopped(t, slacksim.Options{})
	claim := claimOf(testCard("C0OPS"))
	r.posted(testCard("C0OPS"))
	// as if the message were another app's
	r.as(`{"ok":true,"team_id":"T0ACME","user_id":"U0BOT","bot_id":"B0SOMEBODYELSE"}`)
	claim.Attempts = 1
	if out := r.bot.Deliver(r.ctx(), claim, &leaseStub{}); !out.Done || len(live(r.sim, "C0OPS")) != 2 {
		t.Errorf("%+v", out)
	}
}
