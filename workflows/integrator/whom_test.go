package integrator

import (
	"testing"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

// TestAUserIsFoundAgainUnderAnotherAddress: by the person's ID, and by the record's where that is all that is known.
func TestAUserIsFoundAgainUnderAnotherAddress(t *testing.T) {
	const now = "mona.two@acme.example"
	for _, known := range []func(workflows.UserRef) workflows.UserRef{
		func(r workflows.UserRef) workflows.UserRef { return r },
		func(r workflows.UserRef) workflows.UserRef { return workflows.UserRef{User: r.User} },
		func(r workflows.UserRef) workflows.UserRef { return workflows.UserRef{Record: r.Record} },
	} {
		for _, c := range []struct {
			op   string
			left string
		}{{workflows.OpReadAccess, "monitor"}, {workflows.OpChangeAccess, "manage"}, {workflows.OpRemoveAccess, ""},
			{workflows.OpWatchUser, "monitor"}} {
			w := newWorld(t, integratorsim.Options{})
			out := w.deliver(workflows.Call{Op: workflows.OpReadAccess, Email: mona}, 0)
			seen := out.Receipt.Access.User
			if seen.UserID == "" || seen.ID == "" || seen.UserID == seen.ID {
				t.Fatalf("the user is read as %+v", seen)
			}
			w.act(integratorsim.Action{Do: "change_address", Email: mona, To: now})
			call := workflows.Call{Op: c.op, Email: mona, Who: known(seen.Ref()),
				Access: &workflows.Access{Role: "manage"}}
			if c.op == workflows.OpRemoveAccess {
				call.Access, call.Known = nil, "monitor"
			}
			_, last := w.drive(call)
			if !last.Done {
				t.Errorf("%s: %+v %+v", c.op, last, last.Receipt)
				continue
			}
			if r := last.Receipt; c.op == workflows.OpChangeAccess && r.User.Email != now {
				t.Errorf("%s answers %s", c.op, r.User.Email)
			}
			if got := roleOf(w, now); got != c.left {
				t.Errorf("%s left %q", c.op, got)
			}
		}
	}
}

// TestAnAddressOfSomebodyElseIsNotTheirs: a person who took the address over keeps what they have.
func TestAnAddressOfSomebodyElseIsNotTheirs(t *testing.T) {
	w := newWorld(t, integratorsim.Options{})
	seen := w.deliver(workflows.Call{Op: workflows.OpReadAccess, Email: mona}, 0).Receipt.Access.User
	w.act(integratorsim.Action{Do: "remove_user", Email: mona})
	w.act(integratorsim.Action{Do: "change_address", Email: mona, To: "mona.two@acme.example"})
	w.acct.Production().AddUser(integratorsim.User{Email: mona, Role: "monitor"})
	if _, last := w.drive(workflows.Call{Op: workflows.OpRemoveAccess, Email: mona, Who: seen.Ref()}); !last.Done ||
		last.Receipt.User != nil {
		t.Errorf("%+v %+v", last, last.Receipt)
	}
	if roleOf(w, mona) != "monitor" {
		t.Error("somebody else lost their access")
	}
	typed := workflows.Call{Op: workflows.OpReadAccess, Email: mona, Who: seen.Ref(), ByAddress: true}
	if u := w.deliver(typed, 0).Receipt.Access.User; u == nil || u.UserID == seen.UserID {
		t.Errorf("whoever has the address that was typed is meant: %+v", u)
	}
}

func roleOf(w *world, email string) string {
	for _, u := range w.acct.Snapshot().Environments[0].Users {
		if u.Email == email {
			return u.Role
		}
	}
	return ""
}
