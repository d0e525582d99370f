package integrator

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

// account serves fixed transfers and users, and counts what is posted.
func account(transfers, users string, posts *atomic.Int64) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost:
			posts.Add(1)
			say(201, `{"_id":"sent","account":true,"status":"unapproved","transferToUser":{"email":"celigo@acme.example"}}`)(w, r)
		case r.URL.Path == "/v1/transfers":
			say(200, transfers)(w, r)
		default:
			say(200, users)(w, r)
		}
	}
}

func TestInviteOwnerAdoptsOnlyItsOwn(t *testing.T) {
	for name, c := range map[string]struct{ transfers, adopted, status string }{
		"nothing there": {`[]`, "", "unapproved"},
		"pending": {
			`[{"_id":"a","account":true,"status":"unapproved","transferToUser":{"email":"Celigo@Acme.example"}}]`, "a",
			"unapproved"},
		"being carried out": {
			`[{"_id":"a","account":true,"accepted":true,"status":"started","transferToUser":{"email":"celigo@acme.example"}}]`, "a", "started"},
		"accepted, status behind": {
			`[{"_id":"a","account":true,"accepted":true,"status":"unapproved","transferToUser":{"email":"celigo@acme.example"}}]`, "a", "queued"},
		"accepted and done meanwhile": {
			`[{"_id":"a","account":true,"accepted":true,"status":"done","transferToUser":{"email":"celigo@acme.example"}}]`, "a", "done"},
		"names nobody":       {`[{"_id":"a","account":true,"status":"unapproved"}]`, "a", "unapproved"},
		"done, names nobody": {`[{"_id":"a","account":true,"status":"done"}]`, "", "unapproved"},
		"seen before": {
			`[{"_id":"old","account":true,"status":"unapproved","transferToUser":{"email":"celigo@acme.example"}}]`, "",
			"unapproved"},
		"somebody else's": {
			`[{"_id":"a","account":true,"status":"unapproved","transferToUser":{"email":"x@acme.example"}}]`, "",
			"unapproved"},
		"of integrations": {
			`[{"_id":"a","status":"unapproved","transferToUser":{"email":"celigo@acme.example"}}]`, "", "unapproved"},
		"received from another account": {
			`[{"_id":"a","account":true,"status":"unapproved","ownerUser":{"email":"other@b.example"}}]`, "",
			"unapproved"},
		"declined": {
			`[{"_id":"a","account":true,"dismissed":true,"status":"unapproved","transferToUser":{"email":"celigo@acme.example"}}]`, "", "unapproved"},
		"cancelled": {
			`[{"_id":"a","account":true,"status":"canceled","transferToUser":{"email":"celigo@acme.example"}}]`, "",
			"unapproved"},
		"the newest of two": {
			`[{"_id":"b","account":true,"status":"unapproved","createdAt":"2026-02-01T00:00:00.000Z","transferToUser":{"email":"celigo@acme.example"}},{"_id":"a","account":true,"status":"unapproved","createdAt":"2026-01-01T00:00:00.000Z","transferToUser":{"email":"celigo@acme.example"}}]`, "b", "unapproved"},
	} {
		t.Run(name, func(t *testing.T) {
			var posts atomic.Int64
			b := newBench(t, account(c.transfers, `[]`, &posts), "tok")
			out := b.deliver(workflows.Call{Op: workflows.OpInviteOwner, Email: alias, Seen: []string{"old"}}, 0)
			want, sent := c.adopted, int64(0)
			if want == "" {
				want, sent = "sent", 1
			}
			if !out.Done || out.Receipt.Transfer.ID != want || out.Receipt.Transfer.Status != c.status ||
				posts.Load() != sent ||
				out.Receipt.Transfer.Adopted != (c.adopted != "") || !workflows.SameEmail(out.Receipt.Transfer.Email,
				alias) {
				t.Fatalf("outcome %+v, transfer %+v, %d posts", out, out.Receipt.Transfer, posts.Load())
			}
		})
	}
}

func TestInviteOwnerRefusals(t *testing.T) {
	call := workflows.Call{Op: workflows.OpInviteOwner, Email: alias}
	refused := func(t *testing.T, w *world, call workflows.Call, code string) {
		t.Helper()
		_, out := w.drive(call)
		if !out.Refused || out.Receipt.Code != code {
			t.Fatalf("outcome %+v, receipt %+v, want %s", out, out.Receipt, code)
		}
	}
	t.Run("member of another organisation", func(t *testing.T) {
		w := newWorld(t, integratorsim.Options{})
		w.act(integratorsim.Action{Do: "join_organization", Email: alias})
		refused(t, w, call, workflows.RefusedMultipleOrgs)
	})
	t.Run("switched off", func(t *testing.T) {
		w := newWorld(t, integratorsim.Options{})
		w.act(integratorsim.Action{Do: "disable_user", Email: alias})
		refused(t, w, call, workflows.RefusedDisabled)
	})
	t.Run("not a user", func(t *testing.T) {
		refused(t, newWorld(t, integratorsim.Options{}), workflows.Call{Op: workflows.OpInviteOwner, Email: fresh},
			workflows.RefusedNotUser)
	})
	t.Run("a transfer to somebody else is pending", func(t *testing.T) {
		w := newWorld(t, integratorsim.Options{})
		w.drive(workflows.Call{Op: workflows.OpInviteOwner, Email: dee})
		refused(t, w, call, workflows.RefusedPending)
	})
	t.Run("an administrator's token", func(t *testing.T) {
		w := newWorld(t, integratorsim.Options{})
		w.bench = newBench(t, w.sim, w.acct.Production().AddToken(integratorsim.Token{Kind: integratorsim.AdminToken}))
		refused(t, w, call, workflows.RefusedForbidden)
	})
	t.Run("a token that lost its rights", func(t *testing.T) {
		w := newWorld(t, integratorsim.Options{})
		w.bench = newBench(t, w.sim, w.acct.Production().AddToken(integratorsim.Token{LostRights: true}))
		refused(t, w, call, workflows.RefusedForbidden)
		if n := effects(w, "POST /v1/transfers/invite"); n != 0 {
			t.Errorf("%d invitations were sent", n)
		}
	})
}

// Slow to show: integrator.io accepts the invitation, the answer is lost, and readings lag behind for a while.
func TestInvitationThatShowsLateIsNotSentTwice(t *testing.T) {
	w := newWorld(t, integratorsim.Options{})
	w.fault(integratorsim.Fault{Kind: integratorsim.FaultDropAfter, Method: "POST", Path: "/v1/transfers/invite"})
	w.fault(integratorsim.Fault{Kind: integratorsim.FaultStale, Path: "/v1/transfers", Times: 4})
	call := workflows.Call{Op: workflows.OpInviteOwner, Email: alias}
	if out := w.deliver(call, 0); !out.Again {
		t.Fatalf("%+v", out)
	}
	w.clock.advance(time.Second)
	if out := w.deliver(call, 1); !out.Again || out.After != 4*time.Second {
		t.Fatalf("a reading right after an unclear write was trusted: %+v", out)
	}
	_, out := w.drive(call)
	if !out.Done || !out.Receipt.Transfer.Adopted || effects(w, "POST /v1/transfers/invite") != 1 {
		t.Fatalf("%+v, %d invitations", out, effects(w, "POST /v1/transfers/invite"))
	}
}

func TestWithdraw(t *testing.T) {
	call := workflows.Call{Op: workflows.OpWithdraw, Email: alias}
	start := func(t *testing.T) (*world, workflows.Call) {
		w := newWorld(t, integratorsim.Options{})
		c := call
		pendingTransfer(w, &c)
		return w, c
	}
	gone := func(t *testing.T, w *world, out workflows.Outcome) {
		t.Helper()
		if !out.Done || out.Receipt.Transfer != nil || len(w.acct.Snapshot().Transfers) != 0 {
			t.Fatalf("outcome %+v, receipt %+v, transfers %+v", out, out.Receipt, w.acct.Snapshot().Transfers)
		}
	}
	t.Run("pending", func(t *testing.T) {
		w, c := start(t)
		gone(t, w, w.deliver(c, 0))
		if n := effects(w, "PUT /v1/transfers/{id}/cancel"); n != 1 {
			t.Errorf("cancelled %d times", n)
		}
	})
	t.Run("found by address", func(t *testing.T) {
		w, _ := start(t)
		gone(t, w, w.deliver(call, 0))
	})
	t.Run("twice", func(t *testing.T) {
		w, c := start(t)
		w.deliver(c, 0)
		first, out := w.drive(c)
		gone(t, w, out)
		if !first.Again {
			t.Error("one reading was taken for proof")
		}
	})
	t.Run("declined", func(t *testing.T) {
		w, c := start(t)
		w.act(integratorsim.Action{Do: "dismiss_transfer", Email: alias})
		gone(t, w, w.deliver(c, 0))
	})
	t.Run("nothing there, seen ones stay", func(t *testing.T) {
		w, c := start(t)
		_, out := w.drive(workflows.Call{Op: workflows.OpWithdraw, Email: alias, Seen: []string{c.ID}})
		if !out.Done || out.Receipt.Transfer != nil || len(w.pending()) != 1 {
			t.Fatalf("outcome %+v, pending %v", out, w.pending())
		}
	})
	t.Run("accepted before", func(t *testing.T) {
		w, c := start(t)
		w.act(integratorsim.Action{Do: "accept_transfer", Email: alias})
		out := w.deliver(c, 0)
		if !out.Done || out.Receipt.Transfer == nil || out.Receipt.Transfer.Status != "done" {
			t.Fatalf("outcome %+v, transfer %+v", out, out.Receipt.Transfer)
		}
	})
	t.Run("accepted in between", func(t *testing.T) {
		for _, moment := range []string{"PUT", "DELETE"} {
			w, c := start(t)
			w.bench = newBench(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if r.Method == moment {
					// At DELETE the record is cancelled already, so nobody can accept it.
					_, err := w.sim.Act(integratorsim.Action{Do: "accept_transfer", Email: alias})
					if (err == nil) != (moment == "PUT") {
						t.Errorf("accept at %s: %v", moment, err)
					}
				}
				w.sim.ServeHTTP(rw, r)
			}), w.token)
			out := w.deliver(c, 0)
			accepted := out.Receipt != nil && out.Receipt.Transfer != nil && out.Receipt.Transfer.Status == "done"
			if !out.Done || accepted != (moment == "PUT") {
				t.Fatalf("at %s: outcome %+v, receipt %+v", moment, out, out.Receipt)
			}
		}
	})
	t.Run("lost rights are no proof", func(t *testing.T) {
		w, c := start(t)
		w.bench = newBench(t, w.sim, w.acct.Production().AddToken(integratorsim.Token{LostRights: true}))
		if out := w.deliver(c, 0); !out.Refused || out.Receipt.Code != workflows.RefusedForbidden {
			t.Fatalf("outcome %+v", out)
		}
	})
}

func TestWatchTransferThroughALife(t *testing.T) {
	w := newWorld(t, integratorsim.Options{})
	call := workflows.Call{Op: workflows.OpWatchTransfer, Email: alias, Owner: jane}
	step := func(want string) {
		t.Helper()
		_, out := w.drive(call)
		switch {
		case !out.Done:
			t.Fatalf("want %q: %+v", want, out)
		case want == "" && out.Receipt != nil:
			t.Fatalf("nothing was to be learned, got %+v", out.Receipt.Transfer)
		case want != "" && (out.Receipt == nil || out.Receipt.Transfer.Mark() != want):
			t.Fatalf("want %q, got %+v", want, out.Receipt)
		case want != "":
			call.Known = want
		}
		if want != "" { // the same again teaches nothing
			if again := w.deliver(call, 0); !again.Done || again.Receipt != nil {
				t.Fatalf("%q was told twice: %+v", want, again.Receipt)
			}
		}
	}
	step("")
	pendingTransfer(w, &call)
	step("unapproved")
	w.act(integratorsim.Action{Do: "dismiss_transfer", Email: alias})
	step("unapproved/dismissed")
	w.drive(workflows.Call{Op: workflows.OpWithdraw, ID: call.ID})
	step("missing") // the only record: integrator.io answers 204 from here, but shows users
	call.ID, call.Known = "", ""
	step("")
	pendingTransfer(w, &call)
	step("unapproved")
	w.act(integratorsim.Action{Do: "accept_transfer", Email: alias})
	step("done/listed/manage")
	w.act(integratorsim.Action{Do: "change_role", Email: jane, Role: "administrator"})
	step("done/listed/administrator")

	lost := w.acct.Production().AddToken(integratorsim.Token{LostRights: true})
	w.bench = newBench(t, w.sim, lost)
	step("")
}

// The previous owner has another address by the time of the acceptance: what is seen then is that
// the new one, a user before, is listed no more.
func TestAChangeOfOwnerIsSeenAlthoughThePreviousOneHasAnotherAddress(t *testing.T) {
	w := newWorld(t, integratorsim.Options{})
	call := workflows.Call{Op: workflows.OpWatchTransfer, Email: alias, Owner: jane}
	pendingTransfer(w, &call)
	call.Known = "unapproved"
	w.act(integratorsim.Action{Do: "change_address", Email: jane, To: "jane.doe@acme.example"})
	if _, out := w.drive(call); !out.Done || out.Receipt != nil {
		t.Fatalf("nothing was accepted, but %+v", out.Receipt)
	}
	w.act(integratorsim.Action{Do: "accept_transfer", Email: alias})
	again := w.deliver(call, 0)
	if again.Done {
		t.Fatalf("believed at the first look: %+v", again.Receipt)
	}
	_, out := w.drive(call)
	if !out.Done || out.Receipt == nil || out.Receipt.Transfer.Mark() != "done/new_unlisted" {
		t.Fatalf("outcome %+v, receipt %+v", out, out.Receipt)
	}
}

// The list of users failing for good takes nothing back that was seen before.
func TestWatchTransferKeepsWhatItCannotRead(t *testing.T) {
	for _, users := range []http.HandlerFunc{say(403, ""), say(204, "")} {
		b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/v1/ashares") {
				users(w, r)
				return
			}
			say(200, `[{"_id":"a","account":true,"accepted":true,"status":"done"}]`)(w, r)
		}), "tok")
		call := workflows.Call{Op: workflows.OpWatchTransfer, ID: "a", Email: alias, Owner: jane,
			Known: "done/listed/manage"}
		if out := b.deliver(call, 0); !out.Done || out.Receipt != nil {
			t.Fatalf("outcome %+v, receipt %+v", out, out.Receipt)
		}
	}
}

func TestMarksCanBeTakenApart(t *testing.T) {
	for _, tr := range []workflows.Transfer{{Status: "done"}, {Status: "unapproved", Dismissed: true},
		{Status: "done", OwnerListed: true, OwnerRole: "manage"}, {Status: "done", NewUnlisted: true},
		{Status: "missing", Dismissed: true, OwnerListed: true, OwnerRole: ""}} {
		if got := workflows.ParseMark(tr.Mark()); got.Mark() != tr.Mark() || got.OwnerRole != tr.OwnerRole {
			t.Errorf("%q became %+v", tr.Mark(), got)
		}
	}
}

// Another process sent it, or an attempt whose answer was lost: the reading is old, integrator.io
// refuses a second one, and it is adopted.
func TestPendingThatTheReadingDidNotShowIsAdopted(t *testing.T) {
	for name, c := range map[string]struct {
		after        string
		status       int
		done, refuse bool
	}{
		"ours": {
			`[{"_id":"late","account":true,"status":"unapproved","transferToUser":{"email":"celigo@acme.example"}}]`,
			422, true, false},
		"ours, told as 409": {
			`[{"_id":"late","account":true,"status":"unapproved","transferToUser":{"email":"celigo@acme.example"}}]`,
			409, true, false},
		"somebody else's": {
			`[{"_id":"x","account":true,"status":"unapproved","transferToUser":{"email":"x@acme.example"}}]`, 422,
			false, true},
		"a contradiction":     {`[]`, 422, false, false},
		"a reading that dies": {`<html>`, 422, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			var posted atomic.Bool
			b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.Method == http.MethodPost:
					posted.Store(true)
					say(c.status, `{"errors":[{"message":"An account transfer is already pending. Delete the pending transfer at My Account > Transfers before retransferring the account"}]}`)(w, r)
				case posted.Load():
					say(200, c.after)(w, r)
				default:
					say(200, `[]`)(w, r)
				}
			}), "tok")
			out := b.deliver(workflows.Call{Op: workflows.OpInviteOwner, Email: alias}, 0)
			if out.Done != c.done || out.Refused != c.refuse ||
				(c.done && (out.Receipt.Transfer.ID != "late" || !out.Receipt.Transfer.Adopted)) ||
				(c.refuse && out.Receipt.Code != workflows.RefusedPending) {
				t.Fatalf("outcome %+v, receipt %+v", out, out.Receipt)
			}
		})
	}
}

func TestAnInvitationThatWasAcceptedIsNotWithdrawn(t *testing.T) {
	w := newWorld(t, integratorsim.Options{})
	_, out := w.drive(workflows.Call{Op: workflows.OpWithdrawUser, Email: mona})
	if !out.Done || out.Receipt.User == nil || out.Receipt.User.Status != workflows.UserAccepted {
		t.Fatalf("outcome %+v", out)
	}
	if _, ok := w.acct.Snapshot().User(0, mona); !ok {
		t.Fatal("an accepted user was deleted")
	}
}
