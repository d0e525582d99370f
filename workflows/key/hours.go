package key

import (
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/worktime"
)

// workingHours is the first moment not before at in the hours and days of the account's reviews, in
// whole milliseconds.
func workingHours(p workflows.ReviewPolicy, at time.Time) time.Time {
	return worktime.HoursOf(p).Next(at).UTC().Truncate(time.Millisecond)
}
