package integrator

import (
	"testing"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

func TestEvidenceSaysWhoInvitedWhom(t *testing.T) {
	for _, byShare := range []bool{false, true} {
		w := newWorld(t, integratorsim.Options{AuditShareIDs: byShare})
		w.act(integratorsim.Action{Do: "add_user", Email: fresh, Role: "manage", Status: "pending", By: dee})
		w.act(integratorsim.Action{Do: "change_role", Email: fresh, Role: "monitor"}) // a later change is no invitation
		c := w.mustDo(rawCensus).Census
		if got := c.Invited[fresh]; got.Email != dee || got.Event != "create" || got.At.IsZero() {
			t.Errorf("by the record's ID %v: %+v of %+v", byShare, got, c.Invited)
		}
		if c.Unread[workflows.PartAudit] != "" {
			t.Errorf("unread: %v", c.Unread)
		}
	}
}

func TestAnAuditLogThatCannotBeReadIsNamedAndFailsNoCensus(t *testing.T) {
	for _, status := range []int{401, 403, 404, 422, 500} {
		w := newWorld(t, integratorsim.Options{})
		w.fault(integratorsim.Fault{Kind: integratorsim.FaultStatus, Status: status, Path: "/v1/audit", Times: -1})
		_, out := w.drive(rawCensus)
		if !out.Done || len(out.Receipt.Census.Users) != 3 || out.Receipt.Census.Unread[workflows.PartAudit] == "" {
			t.Errorf("%d: %+v", status, out)
		}
	}
}
