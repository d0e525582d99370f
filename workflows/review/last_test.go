package review

import (
	"strings"
	"testing"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review/population"
)

// byFile is a review whose list people bring.
func byFile(t *testing.T) *world {
	w := newWorld(t)
	w.policy.Token, w.policy.Access.Environments = false, nil
	if err := w.start("Dee"); err != nil {
		t.Fatal(err)
	}
	w.drain()
	return w
}

const usersFile = "Name,Email,Role,Status,Enable user,Last sign in\n" +
	"Lou,lou@acme.example,Administer account,Accepted,On,2026-10-01\n" +
	"Max,max@acme.example,Monitor account,Accepted,On,2026-10-01\n" +
	"New,new@acme.example,Manage account,Accepted,On,2026-10-01\n"

// The second person is told by name what differs from the list of the last review: the count alone
// cannot show that one user is another.
func TestWhoeverConfirmsAFileSeesWhatDiffersFromTheLastReview(t *testing.T) {
	before := PacketState{Assigned: Assigned{Rows: []population.Row{
		{N: 1, Kind: population.KindUser, Email: "lou@acme.example", Role: workflows.RoleMonitor, Status: "accepted"},
		{N: 2, Kind: population.KindUser, Email: "max@acme.example", Role: workflows.RoleAdministrator,
			Status: "accepted"},
		{N: 3, Kind: population.KindUser, Email: "old@acme.example", Role: workflows.RoleManage, Status: "accepted"},
		{N: 4, Kind: population.KindUser, Email: "new@acme.example", Role: workflows.RoleManage, Status: "accepted"},
		{N: 5, Kind: population.KindOwner, Email: "jane@acme.example", Role: population.RoleOwner},
		{N: 6, Kind: population.KindUser, Environment: "Sandbox", Email: "sam@acme.example", Role: workflows.RoleManage,
			Status: "accepted"}}},
		Verdicts: []population.Verdict{{}, {Decision: population.Change, Role: workflows.RoleMonitor}, {},
			{Decision: population.Remove}, {}, {}},
		Fixes: []population.Fix{{Row: 2, Action: population.FixChange, State: population.FixVerified},
			{Row: 4, Action: population.FixRemove, State: population.FixVerified}}}
	w := byFile(t)
	in := map[string]string{BlockEnvironment: workflows.Production, BlockFile: usersFile,
		BlockLast: LastList("2026q3", []PacketState{before})}
	if err := w.click("Dee", ActImport, w.campaignID(), in, 0); err != nil || len(w.last.Errors) > 0 {
		t.Fatalf("%v %+v", err, w.last)
	}
	lines := strings.Join(w.state().card("UBEN").Lines, "\n")
	// who was removed then, and is back
	for _, want := range []string{"new since the review of 2026q3: new@acme.example (manage)",
		"another role since the review of 2026q3: lou@acme.example (administrator, before monitor)",
		"gone since the review of 2026q3: old@acme.example (manage)"} {
		if !strings.Contains(lines, want) {
			t.Errorf("Ben is not told %q:\n%s", want, lines)
		}
	}
	if strings.Contains(lines, "max@acme.example") || strings.Contains(lines, "jane@") || strings.Contains(lines,
		"sam@") {
		t.Errorf("told of what is as it was:\n%s", lines)
	}
}

func TestTheLastReviewIsOneWhoseRowsWereDecided(t *testing.T) {
	account := workflows.AccountState{Reviews: []workflows.ReviewSummary{{ID: "r01-acme-2026q2", Rows: 9,
		Stage: CampaignCompleted},
		{ID: "r01-acme-2026q3", Rows: 0, Stage: CampaignCancelled}, {ID: "r01-acme-2026q4", Rows: 3,
			Stage: CampaignCompleted}}}
	if got := LastReview(account, "r01-acme-2026q4"); got != "r01-acme-2026q2" {
		t.Errorf("%s", got)
	}
	if got := LastReview(workflows.AccountState{}, "r01-acme-2026q4"); got != "" {
		t.Errorf("%s", got)
	}
}

// A form that was opened before somebody else gave or confirmed a list, or told of a mailbox, takes
// nothing of that back.
func TestAnOlderFormTakesNoListAndNoMailboxBack(t *testing.T) {
	w := byFile(t)
	id := w.campaignID()
	in := map[string]string{BlockEnvironment: workflows.Production, BlockFile: usersFile}
	older := w.state().Edits
	inForm := func(who, action string, in map[string]string) {
		t.Helper()
		err := w.do(workflows.Command{Workflow: id, Name: action, View: "V1", Submitted: true, Round: older, Input: in,
			Actor: workflows.Actor{Kind: workflows.ByPerson, ID: "U" + strings.ToUpper(who), Team: "TACME"}})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.click("Dee", ActImport, id, in, 0); err != nil || len(w.last.Errors) > 0 {
		t.Fatalf("%v %+v", err, w.last)
	}
	given := w.state().readingOf("")
	inForm("Cat", ActImport, map[string]string{BlockEnvironment: workflows.Production,
		BlockFile: strings.ReplaceAll(usersFile, "new@", "nix@")})
	if text := w.last.Errors[BlockFile]; !strings.Contains(text,
		"<@UDEE> gave a list of this environment since you opened this form") ||
		w.state().readingOf("").FileSHA256 != given.FileSHA256 {
		t.Errorf("told %q, %+v", w.last.Errors, w.state().readingOf(""))
	}
	word := map[string]string{BlockAlias: mailbox, BlockAttest: BlockAttest}
	older = w.state().Edits
	if err := w.click("Dee", ActDelegates, id, map[string]string{BlockAlias: mailbox,
		BlockFile: "ana@acme.example\nleo@acme.example\n"}, 0); err != nil || len(w.last.Errors) > 0 {
		t.Fatalf("%v %+v", err, w.last)
	}
	was := w.state().Mailboxes[mailbox]
	inForm("Cat", ActDelegates, word)
	if text := w.last.Errors[BlockFile]; !strings.Contains(text, "since you opened this form") ||
		w.state().Mailboxes[mailbox].By != was.By {
		t.Errorf("told %q, %+v", w.last.Errors, w.state().Mailboxes[mailbox])
	}
	if err := w.click("Cat", ActDelegates, id, word, 0); err != nil || len(w.last.Errors) > 0 ||
		w.state().Mailboxes[mailbox].By != "UCAT" {
		t.Errorf("a fresh form: %v %+v", err, w.last)
	}
}
