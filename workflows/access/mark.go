package access

import (
	"strings"

	"github.com/keyholder/keyholder/workflows"
)

// absent is the mark of somebody who is not a user.
var absent = (*workflows.User)(nil).Mark()

// holding is what a person had, taken from the mark that was kept of it ([workflows.User.Mark]).
type holding struct {
	Status   string
	Access   workflows.Access
	Disabled bool
}

// readMark takes a mark apart; nil for somebody who was not a user.
func readMark(mark string) *holding {
	if mark == "" || mark == absent {
		return nil
	}
	status, rest, _ := strings.Cut(mark, "/")
	h := &holding{Status: status}
	rest, h.Disabled = strings.CutSuffix(rest, "/disabled")
	h.Access = workflows.ReadAccessMark(rest)
	return h
}

// pending reports whether an invitation waits for an answer.
func (h *holding) pending() bool { return h != nil && h.Status == workflows.UserPending }

// words says what somebody had.
func (h *holding) words() string {
	if h == nil {
		return "no access"
	}
	out := State{}.brief(h.Access)
	if h.Status != workflows.UserAccepted {
		out += ", invitation " + workflows.Esc(h.Status)
	}
	if h.Disabled {
		out += ", switched off"
	}
	return out
}
