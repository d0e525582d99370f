package serve

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review"
)

// Pace of what begins the calendars.
const (
	calendarPatience = 5 * time.Second // for one command
	calendarRetry    = 2 * time.Second // between attempts while something is away
)

// keepCalendars lets the calendar of every account look at the policy that this process runs with, or opens it at first sight, trying until that is
// stored. From then on the clock's timers drive it. The calendar of an account that is no longer configured comes to rest by itself at its next timer.
func (s *Server) keepCalendars(ctx context.Context) error {
	for _, a := range s.o.Config.Accounts {
		for ctx.Err() == nil {
			err := s.toCalendar(ctx, a.ID)
			if err == nil {
				break
			}
			s.o.Log.Warn().Err(err).Str(workflows.LogAccount, a.ID).Msg("the calendar of reviews cannot begin yet")
			select {
			case <-ctx.Done():
			case <-time.After(calendarRetry):
			}
		}
	}
	return nil
}

// toCalendar opens an account's calendar, or has it look. Two replicas that start together open one: its ID and the command's are the account's.
func (s *Server) toCalendar(ctx context.Context, account string) error {
	ctx, cancel := context.WithTimeout(ctx, calendarPatience)
	defer cancel()
	id, err := s.desk.NewWorkflowID(review.Calendar{}.Name(), account, "calendar")
	if err != nil {
		return err
	}
	cmd := workflows.Command{ID: fmt.Sprintf("calendar/%s/%d", id, s.o.RealNow().UnixNano()), Workflow: id, Account: account, Name: review.LookCalendar,
		Actor: workflows.Actor{Kind: workflows.ByKeyholder}, At: s.o.Now(), Round: workflows.NoRound}
	_, err = s.desk.Do(ctx, cmd)
	if errors.Is(err, workflows.ErrNoWorkflow) {
		cmd.ID, cmd.Name, cmd.Submitted = "calendar/"+id, review.OpenCalendar, true
		_, err = s.desk.Do(ctx, cmd)
	}
	var refused *workflows.Refusal
	if errors.As(err, &refused) {
		s.o.Log.Warn().Err(err).Str(workflows.LogAccount, account).Msg("the account has no calendar of reviews")
		return nil
	}
	return err
}
