package approvals

import "time"

// People is everyone whose standing Judge and Cast need, and (as From) whose
// delegations: the electorate, then the voters and seats on record, then the
// extra given (who clicks now), each once and none empty.
//
// Delegates who have not voted are known only once the delegations are; pass
// Delegates as extra then, or Waiting leaves them out.
func (b Ballot) People(extra ...string) []string {
	var l list
	l.add(b.Electorate...)
	for _, v := range b.Votes {
		l.add(v.Seat, v.By)
	}
	l.add(extra...)
	return l.names
}

// Delegates is everyone who holds a delegation of one of the ballot's seats at
// the given time, each once, in the order of the electorate.
func (b Ballot) Delegates(delegations []Delegation, at time.Time) []string {
	var l list
	for _, seat := range b.Electorate {
		for _, d := range delegations {
			if seat != "" && d.covers(seat, d.To, at) {
				l.add(d.To)
			}
		}
	}
	return l.names
}

// list collects names, each once and none empty.
type list struct {
	names []string
	seen  map[string]bool
}

func (l *list) add(names ...string) {
	if l.seen == nil {
		l.seen = make(map[string]bool)
	}
	for _, name := range names {
		if name != "" && !l.seen[name] {
			l.seen[name] = true
			l.names = append(l.names, name)
		}
	}
}
