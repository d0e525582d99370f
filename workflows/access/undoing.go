package access

import (
	"strings"

	"github.com/keyholder/keyholder/workflows"
)

// UndoNeeds is what deciding the request by which a finding of drift is undone needs. cmd is
// [workflows.UndoAccess] as Keyholder gives it.
func UndoNeeds(cmd workflows.Command, p workflows.Policy, a workflows.AccountState) workflows.Needs {
	return needs(State{}, cmd, p, a)
}

// WouldUndo is what that request would be refused for, a [*workflows.Refusal]; nil when it can be
// opened.
func WouldUndo(cmd workflows.Command, f workflows.Facts) error {
	_, err := open(asForm(cmd), f)
	return err
}

// asForm is a request with the fields of the form: what a finding asks for comes as a message.
func asForm(cmd workflows.Command) workflows.Command {
	if !workflows.UndoAccess.Given(cmd) || byReview(cmd) {
		return cmd
	}
	u, err := workflows.UndoAccess.Body(cmd)
	if err != nil {
		return cmd // given field by field
	}
	cmd.Input = map[string]string{
		BlockAccount: cmd.Account, BlockEnvironment: u.Environment, BlockEmail: u.Email, BlockChange: u.Change,
		BlockRole: u.Access.Role, BlockManage: strings.Join(u.Access.Manage, "\n"),
		BlockMonitor: strings.Join(u.Access.Monitor, "\n"), BlockReason: u.Reason, inRequester: u.Requester,
	}
	return cmd
}
