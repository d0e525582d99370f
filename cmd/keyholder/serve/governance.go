package serve

import (
	"context"
	"encoding/json"

	"github.com/keyholder/keyholder/cmd/keyholder/config"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/record"
)

// recordRules compares the rules of every account with those on record, and has a change recorded
// and told. It returns when that is done; what cannot be done for one account is logged and does
// not keep the others waiting, except while Redis is away.
func (s *Server) recordRules(ctx context.Context) {
	rules := config.Governance(s.o.Config)
	for _, a := range s.o.Config.Accounts {
		s.insist(ctx, "the rules of "+a.ID+" cannot be compared with the record", func(ctx context.Context) error {
			return s.toGovernance(ctx, a.ID, rules[a.ID])
		})
	}
}

// toGovernance opens the account's workflow at first sight, and has it look. Two replicas that
// start together open one, and what one of them has recorded is no change for the other.
func (s *Server) toGovernance(ctx context.Context, account string, rules json.RawMessage) error {
	id, err := s.desk.NewWorkflowID(record.Governance().Name(), account, "governance")
	if err != nil {
		return err
	}
	input := map[string]string{record.BlockRules: string(rules), record.BlockFile: s.o.Config.Hash()}
	return s.lookOrOpen(ctx, workflows.Command{Workflow: id, Account: account, Input: input}, record.LookGovernance,
		record.OpenGovernance)
}
