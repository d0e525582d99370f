package approvals

import "testing"

// FuzzBallot reads a situation out of bytes and checks all that is claimed of
// the answers to it. Bytes that have run out read as zero.
func FuzzBallot(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("a ballot with votes in whatever order they came"))
	f.Add([]byte{0, 2, 0, 0, 0, 2, 1, 1, 1, 5, 5, 5, 5, 5, 0, 6, 0, 1, 0, 9, 1, 2, 0, 9, 2, 1, 3, 9})
	f.Add([]byte{5, 3, 0, 3, 2, 2, 0, 1, 1, 1, 4, 1, 1, 5, 5, 5, 5, 5, 3, 0, 1, 0, 0, 1, 2, 0, 0, 2, 3, 0, 0, 6, 0, 1,
		0, 4, 1, 0, 0, 1, 1, 0, 3, 2, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		draw := drawer(func(n int) int {
			if len(data) == 0 {
				return 0
			}
			b := data[0]
			data = data[1:]
			return int(b) % n
		})
		c := draw.situation()
		if err := flaws(c); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzStoredBallot reads a ballot as it might lie in the store, damaged or not,
// and asks all questions of it.
func FuzzStoredBallot(f *testing.F) {
	f.Add([]byte(`{"quorum":2,"electorate":["ana","ben"],"votes":[{"seat":"ana","by":"ana","choice":"approve","at":"2026-03-02T10:00:00Z"}]}`))
	f.Add([]byte(`{"quorum":-9223372036854775808,"eyes":9223372036854775807,"vetoes":-1,"electorate":["",""],"bars":[{"who":""}],"votes":[{},{"via":{}}]}`))
	f.Add([]byte(`{"quorum":1,"electorate":["ana","ben"],"lists":[["ana","ben"],["ana"],[],null],"votes":[{"seat":"ben","by":"ben","choice":"approve"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c := situation{standing: Standing{"ana": "", "ben": "", "cat": CodeGuest}, at: zeroHour.AddDate(1, 0, 0)}
		if !decodeBallot(data, &c.ballot) {
			return
		}
		tally := c.judge()
		if err := flawInApproval(c, tally); err != nil {
			t.Fatal(err)
		}
		if err := flawInPartition(c, tally); err != nil {
			t.Fatal(err)
		}
		if err := flawInCast(c, tally); err != nil {
			t.Fatal(err)
		}
		c.ballot.People("ana")
		c.ballot.Delegates(c.delegations, c.at)
	})
}
