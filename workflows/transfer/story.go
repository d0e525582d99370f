package transfer

import (
	"strings"

	"github.com/keyholder/keyholder/workflows"
)

// whose names the person behind something, if it was one.
func whose(a workflows.Actor) string {
	switch a.Kind {
	case workflows.ByPerson:
		return workflows.Say(" by %m", a.ID)
	case workflows.ByTimer:
		return ", because the time was over"
	case workflows.ByIntegrator:
		return ", seen at integrator.io"
	}
	return ""
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return workflows.Say(": %q", why)
}

func findingWord(result string) string {
	switch result {
	case Block:
		return "In the way"
	case Unknown:
		return "Not seen"
	}
	return "Worth a look"
}

func findings(b checked) string {
	var bad []string
	if b.Caps.Token == workflows.No {
		bad = append(bad, "There is no token, so nothing could be read")
	}
	for _, c := range b.Checks {
		switch {
		case c.Result == Pass, c.Result == Unknown && b.Caps.Token == workflows.No:
		case c.Result == Block && c.Waivable && workflows.Among(c.Key, b.Waived):
			bad = append(bad, "Waived before: "+c.Text)
		default:
			bad = append(bad, findingWord(c.Result)+": "+c.Text)
		}
	}
	if len(bad) == 0 {
		return "; nothing was in the way."
	}
	return ". " + strings.Join(bad, ". ") + "."
}

func roleWord(role string) string {
	switch role {
	case RoleManage:
		return "the manage role"
	case RoleAdministrator:
		return "the administrator role"
	case RoleMonitor:
		return "the monitor role"
	case RoleRemove:
		return "no access any more"
	case "":
		return "a role that is not known"
	}
	return "the " + role + " role"
}

func howWord(how, who string) string {
	switch how {
	case workflows.Acted:
		return "Keyholder did it"
	case workflows.Verified:
		return "seen at integrator.io"
	}
	return workflows.Say("%m says so", who)
}
