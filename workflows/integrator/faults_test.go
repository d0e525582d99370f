package integrator

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

// job is one operation with the requests it makes and what must be true in the end.
type job struct {
	op     string
	call   workflows.Call
	setup  func(w *world, call *workflows.Call)
	routes []string // "METHOD path [skip]"
	// settled says what is wrong with the world after success.
	settled func(w *world, r *workflows.Receipt) string
}

func effects(w *world, route string) int { return w.acct.Effects(route) }

func pendingTransfer(w *world, call *workflows.Call) {
	_, out := w.drive(workflows.Call{Op: workflows.OpInviteOwner, Email: alias})
	call.ID = out.Receipt.Transfer.ID
	w.lease.held = 0
}

func pendingUser(w *world, _ *workflows.Call) {
	w.drive(workflows.Call{Op: workflows.OpInviteUser, Email: fresh, Role: "monitor"})
	w.lease.held = 0
}

// jobs is every operation.
var jobs = slices.Concat(transferJobs, accessJobs, reviewJobs)

var transferJobs = []job{
	{op: "invite owner", call: workflows.Call{Op: workflows.OpInviteOwner, Email: alias, Seen: []string{"older"}},
		routes: []string{"GET /v1/transfers 0", "GET /v1/ashares 0", "GET /v1/transfers 1",
			"POST /v1/transfers/invite 0"},
		settled: func(w *world, r *workflows.Receipt) string {
			got := w.pending()
			if len(got) != 1 || effects(w, "POST /v1/transfers/invite") != 1 {
				return fmt.Sprintf("%d invitations stand, %d took effect", len(got),
					effects(w, "POST /v1/transfers/invite"))
			}
			if r.Transfer == nil || r.Transfer.ID != got[0] || r.Transfer.Status != "unapproved" ||
				r.Transfer.Email != alias {
				return fmt.Sprintf("receipt is %+v", r.Transfer)
			}
			return ""
		}},
	{op: "withdraw", call: workflows.Call{Op: workflows.OpWithdraw, Email: alias}, setup: pendingTransfer,
		routes: []string{"GET /v1/transfers 0", "PUT /v1/transfers/*/cancel 0", "GET /v1/transfers 1",
			"DELETE /v1/transfers/* 0", "GET /v1/transfers 2"},
		settled: func(w *world, r *workflows.Receipt) string {
			if n := len(w.acct.Snapshot().Transfers); n != 0 || r.Transfer != nil {
				return fmt.Sprintf("%d transfers are left, receipt %+v", n, r.Transfer)
			}
			return ""
		}},
	{op: "watch transfer", call: workflows.Call{Op: workflows.OpWatchTransfer, Email: alias, Owner: jane},
		setup:  pendingTransfer,
		routes: []string{"GET /v1/transfers 0", "GET /v1/ashares 0"},
		settled: func(_ *world, r *workflows.Receipt) string {
			if r == nil || r.Transfer.Mark() != "unapproved" {
				return fmt.Sprintf("receipt is %+v", r)
			}
			return ""
		}},
	{op: "invite user", call: workflows.Call{Op: workflows.OpInviteUser, Email: fresh, Role: "manage"},
		routes: []string{"GET /v1/ashares 0", "POST /v1/invite 0"},
		settled: func(w *world, r *workflows.Receipt) string {
			u, ok := w.acct.Snapshot().User(0, fresh)
			if !ok || u.Role != "manage" || effects(w, "POST /v1/invite") != 1 || r.User == nil ||
				r.User.Status != "pending" || r.User.Role != "manage" {
				return fmt.Sprintf("user %+v, %d invitations, receipt %+v", u, effects(w, "POST /v1/invite"), r.User)
			}
			return ""
		}},
	{op: "set role", call: workflows.Call{Op: workflows.OpSetRole, Email: mona, Role: "administrator"},
		routes: []string{"GET /v1/ashares 0", "GET /v1/ashares/* 0", "PUT /v1/ashares/* 0", "GET /v1/ashares/* 1"},
		settled: func(w *world, r *workflows.Receipt) string {
			u, _ := w.acct.Snapshot().User(0, mona)
			if u.Role != "administrator" || !u.MFARequired || r.User == nil || r.User.Role != "administrator" {
				return fmt.Sprintf("user %+v, receipt %+v", u, r.User)
			}
			return ""
		}},
	{op: "remove user", call: workflows.Call{Op: workflows.OpRemoveUser, Email: mona},
		routes: []string{"GET /v1/ashares 0", "PUT /v1/ashares/*/disable 0", "GET /v1/ashares/* 0",
			"DELETE /v1/ashares/* 0", "GET /v1/ashares/* 1"},
		settled: func(w *world, _ *workflows.Receipt) string {
			if u, ok := w.acct.Snapshot().User(0, mona); ok {
				return fmt.Sprintf("user %+v is still there", u)
			}
			return ""
		}},
	{op: "withdraw user", call: workflows.Call{Op: workflows.OpWithdrawUser, Email: fresh}, setup: pendingUser,
		routes: []string{"GET /v1/ashares 0", "DELETE /v1/ashares/* 0", "GET /v1/ashares/* 0"},
		settled: func(w *world, _ *workflows.Receipt) string {
			if u, ok := w.acct.Snapshot().User(0, fresh); ok {
				return fmt.Sprintf("user %+v is still there", u)
			}
			return ""
		}},
	{op: "watch user", call: workflows.Call{Op: workflows.OpWatchUser, Email: alias},
		routes: []string{"GET /v1/ashares 0"},
		settled: func(_ *world, r *workflows.Receipt) string {
			if r == nil || r.User.Mark() != "accepted/monitor" {
				return fmt.Sprintf("receipt is %+v", r)
			}
			return ""
		}},
	{op: "inspect", call: workflows.Call{Op: workflows.OpInspect, Email: alias},
		routes: []string{"GET /v1/tokenInfo 0", "GET /v1/ashares 0", "GET /v1/transfers 0", "GET /v1/integrations 0",
			"POST /v1/jobs/current 0",
			"GET /v1/shared/sshares 0", "GET /v1/sshares 0", "GET /v1/ssoclients 0"},
		settled: func(_ *world, r *workflows.Receipt) string {
			if r.Reading == nil || len(r.Reading.Unread) != 0 || r.Reading.Target == nil || r.Reading.UserCount != 3 {
				return fmt.Sprintf("reading is %+v", r.Reading)
			}
			return ""
		}},
}

// accessJobs are the operations on access. Mona's former access is the one newWorld gives.
var accessJobs = []job{
	{op: "grant", call: workflows.Call{Op: workflows.OpGrant, Email: fresh,
		Access: &workflows.Access{Role: "administrator"}},
		routes: []string{"GET /v1/ashares 0", "GET /v1/ssoclients 0", "POST /v1/invite 0", "GET /v1/ashares/* 0"},
		settled: func(w *world, r *workflows.Receipt) string {
			u, ok := w.acct.Snapshot().User(0, fresh)
			if !ok || u.Role != "administrator" || !u.MFARequired || u.SSORequired ||
				effects(w, "POST /v1/invite") != 1 {
				return fmt.Sprintf("user %+v, %d invitations", u, effects(w, "POST /v1/invite"))
			}
			if r.User == nil || r.User.Mark() != "pending/administrator" || !r.User.MFA || r.User.Via == "" ||
				r.User.Since.IsZero() {
				return fmt.Sprintf("receipt %+v", r.User)
			}
			return ""
		}},
	{op: "change access", call: workflows.Call{Op: workflows.OpChangeAccess, Email: alias,
		Access: &workflows.Access{Role: "administrator"}, Known: "monitor"},
		routes: []string{"GET /v1/ashares 0", "GET /v1/ashares/* 0", "GET /v1/ssoclients 0", "PUT /v1/ashares/* 0",
			"GET /v1/ashares/* 1"},
		settled: func(w *world, r *workflows.Receipt) string {
			u, _ := w.acct.Snapshot().User(0, alias)
			if u.Role != "administrator" || !u.MFARequired || r.User == nil ||
				r.User.Mark() != "accepted/administrator" {
				return fmt.Sprintf("user %+v, receipt %+v", u, r.User)
			}
			return ""
		}},
	{op: "remove access", call: workflows.Call{Op: workflows.OpRemoveAccess, Email: mona, Known: "monitor"},
		routes: []string{"GET /v1/ashares 0", "GET /v1/ashares/* 0", "PUT /v1/ashares/*/disable 0",
			"GET /v1/ashares/* 1", "DELETE /v1/ashares/* 0", "GET /v1/ashares/* 2"},
		settled: func(w *world, _ *workflows.Receipt) string {
			if u, ok := w.acct.Snapshot().User(0, mona); ok {
				return fmt.Sprintf("user %+v is still there", u)
			}
			return ""
		}},
	{op: "remove invitation", call: workflows.Call{Op: workflows.OpRemoveAccess, Email: fresh, Known: "monitor"},
		setup:  pendingUser,
		routes: []string{"GET /v1/ashares 0", "GET /v1/ashares/* 0", "DELETE /v1/ashares/* 0", "GET /v1/ashares/* 1"},
		settled: func(w *world, _ *workflows.Receipt) string {
			u, ok := w.acct.Snapshot().User(0, fresh)
			if ok || effects(w, "PUT /v1/ashares/{id}/disable") != 0 {
				return fmt.Sprintf("user %+v is still there, or was switched off first", u)
			}
			return ""
		}},
	{op: "adopt a grant", call: workflows.Call{Op: workflows.OpGrant, Email: fresh,
		Access: &workflows.Access{Role: "monitor"}}, setup: pendingUser,
		routes: []string{"GET /v1/ashares 0", "GET /v1/ashares/* 0"},
		settled: func(w *world, r *workflows.Receipt) string {
			if r.User.Mark() != "pending/monitor" || effects(w, "POST /v1/invite") != 1 {
				return fmt.Sprintf("receipt %+v, %d invitations", r.User, effects(w, "POST /v1/invite"))
			}
			return ""
		}},
	{op: "read access", call: workflows.Call{Op: workflows.OpReadAccess, Email: mona},
		routes: []string{"GET /v1/ashares 0", "GET /v1/integrations 0", "GET /v1/ssoclients 0"},
		settled: func(_ *world, r *workflows.Receipt) string {
			if a := r.Access; a == nil || len(a.Unread) != 0 || a.User.Mark() != "accepted/monitor" ||
				a.Capabilities.ReadUsers != workflows.Yes {
				return fmt.Sprintf("reading is %+v", a)
			}
			return ""
		}},
	{op: "census", call: workflows.Call{Op: workflows.OpCensus, Known: "another"},
		routes: []string{"GET /v1/ashares 0"},
		settled: func(_ *world, r *workflows.Receipt) string {
			if r == nil || r.Census == nil || len(r.Census.Users) != 3 {
				return fmt.Sprintf("receipt is %+v", r)
			}
			return ""
		}},
}

// reviewJobs are the operations that reviews and findings need.
var reviewJobs = []job{
	{op: "raw census", call: workflows.Call{Op: workflows.OpCensus, Raw: true},
		setup:  func(w *world, _ *workflows.Call) { w.acct.Production().AddIntegration("Orders") },
		routes: []string{"GET /v1/ashares 0", "GET /v1/integrations 0", "GET /v1/accesstokens 0"},
		settled: func(_ *world, r *workflows.Receipt) string {
			c := r.Census
			if c == nil || len(c.Users) != 3 || len(c.Pages) != 1 || c.Pages[0].Count != 3 ||
				len(c.Integrations) != 1 || len(c.Tokens) != 1 || len(c.Unread) != 0 {
				return fmt.Sprintf("census is %+v", c)
			}
			return ""
		}},
	{op: "trace", call: workflows.Call{Op: workflows.OpTrace, Email: mona}, setup: changedByDee,
		routes: []string{"GET /v1/ashares 0", "GET /v1/audit 0", "GET /v1/audit 1"},
		settled: func(_ *world, r *workflows.Receipt) string {
			if r.Trace == nil || r.Trace.Email != dee || r.Trace.Event != "update" || r.Trace.Source != "ui" {
				return fmt.Sprintf("trace is %+v", r.Trace)
			}
			return ""
		}},
	{op: "trace of somebody gone", call: workflows.Call{Op: workflows.OpTrace, Email: mona}, setup: removedByDee,
		routes: []string{"GET /v1/ashares 0", "GET /v1/audit 0"},
		settled: func(_ *world, r *workflows.Receipt) string {
			if r.Trace == nil || r.Trace.Email != dee || r.Trace.Event != "delete" {
				return fmt.Sprintf("trace is %+v", r.Trace)
			}
			return ""
		}},
	{op: "reinvite", call: workflows.Call{Op: workflows.OpReinvite, Email: fresh}, setup: declinedUser,
		routes: []string{"GET /v1/ashares 0", "GET /v1/ashares/* 0", "PUT /v1/ashares/*/reinvite 0",
			"GET /v1/ashares/* 1"},
		settled: func(w *world, r *workflows.Receipt) string {
			u, _ := w.acct.Snapshot().User(0, fresh)
			if u.Status != "pending" || effects(w, reinviteRoute) != 1 || r.User == nil || r.User.Status != "pending" {
				return fmt.Sprintf("user %+v, %d mails, receipt %+v", u, effects(w, reinviteRoute), r.User)
			}
			return ""
		}},
	{op: "reinvite pending", call: workflows.Call{Op: workflows.OpReinvite, Email: fresh}, setup: pendingUser,
		routes: []string{"GET /v1/ashares 0", "GET /v1/ashares/* 0", "PUT /v1/ashares/*/reinvite 0",
			"GET /v1/ashares/* 1"},
		settled: func(w *world, r *workflows.Receipt) string {
			if r.User == nil || r.User.Status != "pending" || effects(w, reinviteRoute) > 1 {
				return fmt.Sprintf("%d mails, receipt %+v", effects(w, reinviteRoute), r.User)
			}
			return ""
		}},
}

const reinviteRoute = "PUT /v1/ashares/{id}/reinvite"

func declinedUser(w *world, call *workflows.Call) {
	pendingUser(w, call)
	w.act(integratorsim.Action{Do: "dismiss_invitation", Email: fresh})
}

func changedByDee(w *world, _ *workflows.Call) {
	w.act(integratorsim.Action{Do: "change_role", Email: mona, Role: "manage", By: dee})
}

func removedByDee(w *world, _ *workflows.Call) {
	w.act(integratorsim.Action{Do: "remove_user", Email: mona, By: dee})
}

// reads reports whether a job only reads in parts, some of which may be missing.
func (j job) reads() bool {
	return j.call.Op == workflows.OpInspect || j.call.Op == workflows.OpReadAccess || j.call.Raw
}

// passingFaults go away: the first delivery answers Again, and in the end the world is as without the fault.
var passingFaults = []integratorsim.Fault{
	{Kind: integratorsim.FaultRateLimited}, {Kind: integratorsim.FaultRateBare}, {Kind: integratorsim.FaultStatus,
		Status: 500},
	{Kind: integratorsim.FaultStatus, Status: 503}, {Kind: integratorsim.FaultAfter, Status: 502},
	{Kind: integratorsim.FaultHang},
	{Kind: integratorsim.FaultHangAfter}, {Kind: integratorsim.FaultDrop}, {Kind: integratorsim.FaultDropAfter},
	{Kind: integratorsim.FaultTruncated},
}

func (j job) start(t *testing.T, route string, f integratorsim.Fault) (*world, workflows.Call) {
	t.Helper()
	w := newWorld(t, integratorsim.Options{RateCapacity: -1})
	call := j.call
	if j.setup != nil {
		j.setup(w, &call)
	}
	if _, err := fmt.Sscanf(route, "%s %s %d", &f.Method, &f.Path, &f.Skip); err != nil {
		t.Fatal(err)
	}
	w.fault(f)
	return w, call
}

func TestPassingFaultsAreTriedAgainAndHarmNothing(t *testing.T) {
	for _, j := range jobs {
		for _, route := range j.routes {
			for _, f := range passingFaults {
				t.Run(fmt.Sprintf("%s/%s/%s%d", j.op, route, f.Kind, f.Status), func(t *testing.T) {
					t.Parallel()
					w, call := j.start(t, route, f)
					if f.Kind == integratorsim.FaultHang || f.Kind == integratorsim.FaultHangAfter {
						w.g.timeout = 100 * time.Millisecond
					}
					first, last := w.drive(call)
					limited := f.Kind == integratorsim.FaultRateLimited || f.Kind == integratorsim.FaultRateBare
					// net/http itself repeats a GET whose connection was cut.
					cut := strings.HasPrefix(string(f.Kind), "drop") || f.Kind == integratorsim.FaultTruncated
					repeated := cut && strings.HasPrefix(route, "GET") && first.Done
					if (!first.Again && !repeated) || first.Limited != limited ||
						(limited && first.After != 2*time.Second) {
						t.Errorf("first outcome is %+v", first)
					}
					if !last.Done {
						t.Fatalf("last outcome is %+v, receipt %+v", last, last.Receipt)
					}
					if wrong := j.settled(w, last.Receipt); wrong != "" {
						t.Error(wrong)
					}
				})
			}
		}
	}
}

// Old and empty answers lie. They may cost another delivery or end in "forbidden", but never a
// second invitation, a false success or a user who is switched on again.
func TestLyingAnswersHarmNothing(t *testing.T) {
	for _, j := range jobs {
		for _, route := range j.routes {
			for _, kind := range []integratorsim.FaultKind{integratorsim.FaultStale, integratorsim.FaultEmpty} {
				t.Run(fmt.Sprintf("%s/%s/%s", j.op, route, kind), func(t *testing.T) {
					t.Parallel()
					if kind == integratorsim.FaultStale && !strings.HasPrefix(route, "GET") {
						t.Skip("only a GET can be stale")
					}
					w, call := j.start(t, route, integratorsim.Fault{Kind: kind})
					_, last := w.drive(call)
					if last.Refused && last.Receipt.Code != workflows.RefusedForbidden {
						t.Fatalf("refused: %+v", last.Receipt)
					}
					if last.Refused || last.Receipt == nil {
						if n := len(w.pending()); n > 1 {
							t.Errorf("%d invitations stand", n)
						}
						return
					}
					if j.reads() && kind == integratorsim.FaultEmpty {
						return // the reading's own tests
					}
					if wrong := j.settled(w, last.Receipt); wrong != "" {
						t.Error(wrong)
					}
				})
			}
		}
	}
}

func TestRefusedTokensEndACall(t *testing.T) {
	for _, j := range jobs {
		for _, c := range []struct {
			status int
			code   string
		}{{401, workflows.RefusedUnauthorized}, {403, workflows.RefusedForbidden}} {
			for _, route := range j.routes {
				t.Run(fmt.Sprintf("%s/%s/%d", j.op, route, c.status), func(t *testing.T) {
					t.Parallel()
					w, call := j.start(t, route, integratorsim.Fault{Kind: integratorsim.FaultStatus, Status: c.status,
						Times: -1})
					out := w.deliver(call, 0)
					if out.Again {
						t.Fatalf("a refusal is not tried again: %+v", out)
					}
					if out.Refused && out.Receipt.Code != c.code {
						t.Fatalf("refused as %q, want %q", out.Receipt.Code, c.code)
					}
					switch { // where a refusal does not end it, what was asked for must be true
					case out.Refused:
					case j.reads():
						if c.status == 401 && (strings.Contains(route, "tokenInfo") ||
							j.call.Op == workflows.OpReadAccess) {
							t.Error("a token that integrator.io does not know was read with")
						}
					case j.call.Op == workflows.OpWithdraw && strings.HasPrefix(route, "DELETE"):
						if len(w.pending()) != 0 { // cancelled is withdrawn, deleted or not
							t.Error("the invitation still stands")
						}
					case j.call.Op == workflows.OpWatchTransfer && strings.Contains(route, "ashares"):
					default:
						if wrong := j.settled(w, out.Receipt); wrong != "" {
							t.Error(wrong)
						}
					}
				})
			}
		}
	}
}

func TestEveryRequestHoldsTheLease(t *testing.T) {
	for _, j := range jobs {
		t.Run(j.op, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, integratorsim.Options{})
			call := j.call
			if j.setup != nil {
				j.setup(w, &call)
			}
			before := len(w.sim.Log())
			if _, out := w.drive(call); !out.Done {
				t.Fatalf("%+v", out)
			}
			if asked := len(w.sim.Log()) - before; w.lease.held != asked {
				t.Errorf("%d requests, %d leases held", asked, w.lease.held)
			}
		})
	}
}

// A lost lease ends everything at once, wherever it is lost.
func TestLostLeaseSendsNothingMore(t *testing.T) {
	for _, j := range jobs {
		for until := 1; until <= 4; until++ {
			t.Run(fmt.Sprintf("%s/%d", j.op, until), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, integratorsim.Options{})
				call := j.call
				if j.setup != nil {
					j.setup(w, &call)
				}
				before := len(w.sim.Log())
				w.lease.until = until
				out := w.deliver(call, 0)
				if asked := len(w.sim.Log()) - before; asked > until {
					t.Errorf("%d requests with a lease for %d", asked, until)
				}
				if !out.Again && !out.Done {
					t.Errorf("outcome is %+v", out)
				}
			})
		}
	}
}

// Everything at once, many times: whatever integrator.io does, it ends with what was asked for, and
// one invitation stands. (Stale readings are among the faults; a part that kept failing may be
// missing from a reading.)
func TestRandomFaultsEndWell(t *testing.T) {
	for _, j := range jobs {
		for seed := range uint64(4) {
			t.Run(fmt.Sprintf("%s/%d", j.op, seed), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, integratorsim.Options{Seed: seed, RateCapacity: -1})
				call := j.call
				if j.setup != nil {
					j.setup(w, &call)
				}
				w.sim.SetRandomFaults(0.4)
				var out workflows.Outcome
				for attempt := range 100 {
					if attempt == 50 {
						w.sim.SetRandomFaults(0)
					}
					if out = w.deliver(call, attempt); !out.Again {
						break
					}
					w.clock.advance(max(out.After, time.Second))
				}
				w.sim.SetRandomFaults(0)
				if !out.Done || out.Receipt == nil {
					t.Fatalf("outcome %+v, receipt %+v", out, out.Receipt)
				}
				switch call.Op {
				case workflows.OpInspect:
					out.Receipt.Reading.Unread = nil
				case workflows.OpReadAccess:
					out.Receipt.Access.Unread = nil
				case workflows.OpCensus:
					out.Receipt.Census.Unread = nil
				}
				if wrong := j.settled(w, out.Receipt); wrong != "" {
					t.Error(wrong)
				}
			})
		}
	}
}
