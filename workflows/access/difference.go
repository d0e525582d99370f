package access

import "github.com/keyholder/keyholder/workflows"

// difference shows what is now beside what shall be.
func (s State) difference() []string {
	now, then := "not a user", "no access"
	if !s.Read.OK {
		now = "not known: " + workflows.WhyUnread(s.Read.Unread)
	} else if u := s.seesNow(); u != nil {
		now = u.Access().Describe(s.Read.Names)
		if u.Status != workflows.UserAccepted {
			now += ", invitation " + u.Status
		}
		if u.Disabled {
			now += ", switched off"
		}
	}
	if s.Read.Does != Remove {
		then = s.Want.Describe(s.Read.Names)
	}
	out := []string{"Now: " + now, "Then: " + then}
	if s.Stage == Active || s.Stage == Restoring { // it has been written: what was then is now
		out = []string{"Before: " + now, "Now: " + then}
	}
	if s.Read.Does != s.Change && s.Read.OK {
		out = append(out, "! Asked as “"+s.Change+"”; as things are it is a "+s.Read.Does+".")
	}
	if s.Want.Role == workflows.RoleAdministrator {
		second := "a second factor is required of them (integrator.io shows that it is required, not that it " +
			"is switched on)"
		if s.Read.SSO {
			second = "sign-in by SSO is required of them"
		}
		out = append(out, "! An administrator can do all the owner can but give the account away; "+second+".")
	}
	return append(out, s.leastRole()...)
}

// seesNow is what a card shows as what somebody has before anything is written: what was read last.
func (s State) seesNow() *workflows.User {
	if is := s.Changed.There; s.Stage == Doing && is != nil && is.OK {
		return is.User
	}
	return s.Read.User
}

// leastRole proposes less, where less may do.
func (s State) leastRole() []string {
	var out []string
	if s.Read.Does == Remove || s.Stage != Approving {
		return nil
	}
	if s.Outside && (s.Want.Role != workflows.RoleCustom || s.Length == 0) {
		out = append(out, "! "+s.Email+" is outside the company. Custom on the integrations that are needed, "+
			"for a time, is the safe choice.")
	}
	switch s.Want.Role {
	case workflows.RoleAdministrator:
		out = append(out, "! Less may do: manage edits every integration without touching users and tokens.")
	case workflows.RoleManage:
		out = append(out, "! Less may do: custom on the integrations that are needed, or monitor for who only "+
			"looks and runs.")
	}
	return out
}
