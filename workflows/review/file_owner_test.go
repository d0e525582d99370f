package review

import (
	"slices"
	"strings"
	"testing"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review/population"
)

// whoever is called the owner in a file, and is not by the record, has a row, and whoever confirms
// the file is told by name.
func TestAFileHidesNobodyByCallingThemTheOwner(t *testing.T) {
	w := newWorld(t)
	w.policy.Token, w.policy.Access.Environments = false, nil
	w.account.Given = map[string]workflows.Given{"/lou@acme.example": {Mark: workflows.RoleMonitor},
		"/max@acme.example": {Mark: workflows.RoleManage}}
	if err := w.start("Dee"); err != nil {
		t.Fatal(err)
	}
	file := "Name,Email,Role,Status,Enable user,Last sign in\n" +
		"Mal,mal@acme.example,Owner,Accepted,On,2026-10-01\n" +
		"Lou,lou@acme.example,Administer account,Accepted,On,2026-10-01\n"
	if err := w.click("Dee", ActImport, w.campaignID(), map[string]string{BlockEnvironment: workflows.Production,
		BlockFile: file}, 0); err != nil || len(w.last.Errors) > 0 {
		t.Fatalf("%v %+v", err, w.last)
	}
	lines := strings.Join(w.state().card("UBEN").Lines, "\n")
	for _, want := range []string{"calls mal@acme.example the owner, and the record says jane@acme.example",
		"administrators: lou@acme.example",
		"not with the role that was decided here last: lou@acme.example (administrator)",
		"missing, though decided here last: max@acme.example"} {
		if !strings.Contains(lines, want) {
			t.Errorf("Ben is not told %q:\n%s", want, lines)
		}
	}
	if err := w.click("Ben", ActCount, w.campaignID(), nil, 0); err != nil {
		t.Fatal(err)
	}
	w.drain()
	var hidden, owner *population.Row
	for _, p := range w.packets() {
		for _, r := range p.Rows {
			switch r.Email {
			case "mal@acme.example":
				hidden = &r
			case "jane@acme.example":
				owner = &r
			}
		}
	}
	if hidden == nil || !hidden.Privileged {
		t.Errorf("the row of whom the file calls the owner: %+v", hidden)
	}
	if owner == nil || !slices.ContainsFunc(owner.Differences, func(d string) bool {
		return strings.Contains(d, "mal@acme.example")
	}) {
		t.Errorf("the owner's row: %+v", owner)
	}
}
