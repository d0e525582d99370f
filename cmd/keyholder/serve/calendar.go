package serve

import (
	"context"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review"
)

// keepCalendars lets the calendar of every account look at the policy that this process runs with,
// or opens it at first sight. From then on the clock's timers drive it. The calendar of an account
// that is no longer configured comes to rest by itself at its next timer.
func (s *Server) keepCalendars(ctx context.Context) error {
	for _, a := range s.o.Config.Accounts {
		s.insist(ctx, "the calendar of reviews of "+a.ID+" cannot begin", func(ctx context.Context) error {
			id, err := s.desk.NewWorkflowID(review.Calendar{}.Name(), a.ID, "calendar")
			if err != nil {
				return err
			}
			return s.lookOrOpen(ctx, workflows.Command{Workflow: id, Account: a.ID}, review.LookCalendar,
				review.OpenCalendar)
		})
	}
	return nil
}
