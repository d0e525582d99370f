package workflows

import "strings"

// Absent is the mark of somebody who is not a user ([User.Mark] of nil).
const Absent = "absent"

// Holding is what a person had, taken from the mark that was kept of it ([User.Mark]).
type Holding struct {
	Status   string
	Access   Access
	Disabled bool
}

// ReadMark takes a mark apart; nil for somebody who was not a user.
func ReadMark(mark string) *Holding {
	if mark == "" || mark == Absent {
		return nil
	}
	status, rest, _ := strings.Cut(mark, "/")
	h := &Holding{Status: status}
	rest, h.Disabled = strings.CutSuffix(rest, "/disabled")
	h.Access = ReadAccessMark(rest)
	return h
}

// Pending reports whether an invitation waits for an answer.
func (h *Holding) Pending() bool { return h != nil && h.Status == UserPending }

// Words say what somebody had, in the middle of a sentence. names are those of integrations by
// their IDs, as far as they are known.
func (h *Holding) Words(names map[string]string) string {
	if h == nil {
		return "no access"
	}
	out := h.Access.Brief(names)
	if h.Status != UserAccepted {
		out += ", invitation " + Esc(h.Status)
	}
	if h.Disabled {
		out += ", switched off"
	}
	return out
}

// Brief is an access in the middle of a sentence: "the monitor role". names are as in
// [Holding.Words].
func (a Access) Brief(names map[string]string) string {
	switch a.Role {
	case RoleNone, "":
		return "no role"
	case RoleCustom:
		return "custom access (" + strings.TrimPrefix(a.Describe(names), "custom: ") + ")"
	}
	return "the " + Esc(a.Role) + " role"
}

// Describe says what an access lets somebody do. names are as in [Holding.Words].
func (a Access) Describe(names map[string]string) string {
	switch a.Role {
	case RoleAdministrator:
		return "administrator: everything, users and tokens included"
	case RoleManage:
		return "manage: edit all integrations, flows and connections"
	case RoleMonitor:
		return "monitor: see all, run flows, resolve errors"
	case RoleCustom:
		var parts []string
		if len(a.Manage) > 0 {
			parts = append(parts, "manage "+integrationNames(a.Manage, names))
		}
		if len(a.Monitor) > 0 {
			parts = append(parts, "monitor "+integrationNames(a.Monitor, names))
		}
		return "custom: " + strings.Join(parts, "; ")
	}
	return "no role"
}

// namedAtMost is how many integrations a text names; the others are counted.
const namedAtMost = 8

func integrationNames(ids []string, names map[string]string) string {
	var out []string
	for i, id := range ids {
		if i == namedAtMost {
			out = append(out, Say("%d more", len(ids)-namedAtMost))
			break
		}
		name := names[id]
		switch {
		case id == AllIntegrations:
			name = "all"
		case name == "":
			name = id
		}
		out = append(out, Esc(Clip(name, 60)))
	}
	return strings.Join(out, ", ")
}

// WhyUnread says why something could not be read at integrator.io, by the code of a refusal.
func WhyUnread(code string) string {
	switch code {
	case RefusedUnauthorized:
		return "integrator.io does not accept the token"
	case RefusedForbidden:
		return "the token may not read it"
	case RefusedNoToken, "no token":
		return "there is no token"
	case FailedDeadline:
		return "integrator.io did not answer"
	case "":
		return "-"
	}
	return Esc(strings.TrimSuffix(code, "."))
}

// Quoted is integrator.io's own words behind a sentence, "" for none.
func Quoted(message string) string {
	if message == "" {
		return ""
	}
	return Say(" (integrator.io says: %q)", message)
}

// IsEmail reports whether a text can be an e-mail address: what people get wrong is refused, the
// rest is for whoever sends there.
func IsEmail(s string) bool {
	at := strings.LastIndexByte(s, '@')
	return at > 0 && at < len(s)-1 && len(s) <= 254 && !strings.ContainsAny(s, " \t\n<>,;\"")
}
