package worktime

import "time"

// Opener decides which periods of a calendar are opened. It opens each once; none that began before
// what it is for was known; and what was missed while nobody looked only while its period runs.
type Opener struct {
	Seen time.Time // since when what it is for is known
	Done time.Time // the end of the period that was opened last
}

// Opens reports whether a period is one that is to be opened, now or when its day comes.
func (o Opener) Opens(p Period) bool { return !p.Begins.Before(o.Seen) && !p.Begins.Before(o.Done) }

// Next is the next period that opens after a time. It fails as [Calendar.At] does.
func (o Opener) Next(c Calendar, after time.Time) (Period, error) {
	next, err := c.NextOpening(after)
	for err == nil && !o.Opens(next) {
		next, err = c.NextOpening(next.Opens)
	}
	return next, err
}

// Reached answers the running period, whether it is to be opened now, and the planned periods that
// have passed meanwhile, the newest last. It fails as [Calendar.At] does.
func (o Opener) Reached(c Calendar, planned Period, at time.Time) (now Period, open bool, missed []string, err error) {
	if now, err = c.At(at); err != nil {
		return now, false, nil, err
	}
	for passed := planned; passed.Begins.Before(now.Begins); {
		missed = append(missed, passed.ID)
		if passed, err = c.At(passed.Ends); err != nil {
			return now, false, missed, err
		}
	}
	return now, !now.Opens.After(at) && o.Opens(now), missed, nil
}

// Overtaken reports whether the planned period runs already and its day is one that has passed
// under another calendar: planned anew from now on, it would be forgotten.
func (o Opener) Overtaken(c Calendar, planned Period, at time.Time) bool {
	now, err := c.At(at)
	return err == nil && !planned.Begins.After(at) && !now.Opens.After(at) && o.Opens(now)
}
