package approvals

// lists are the ballot's Lists made ready to count: of each list the seats that stand in it.
type lists []map[string]bool

// newLists keeps every list, also one that nobody of the electorate stands in: it asks for what nobody can give,
// and a demand that got lost must not turn into none.
func newLists(given [][]string, isSeat map[string]bool) lists {
	all := make(lists, 0, len(given))
	for _, names := range given {
		list := make(map[string]bool, len(names))
		for _, name := range names {
			if isSeat[name] {
				list[name] = true
			}
		}
		all = append(all, list)
	}
	return all
}

// unmet is the lists for which the approvals bring nobody, when each person stands for one list at most and as
// many lists as can be are stood for: a maximum matching of lists and people (Kuhn's algorithm, one search for a
// free person per list). Of several such answers it is the one that leaves out the last lists.
func (ls lists) unmet(approving []Vote) []int {
	var left []int
	stands := make(map[string]int, len(ls)) // person -> the list they stand for
	for i := range ls {
		if !ls.bring(i, approving, stands, make(map[string]bool)) {
			left = append(left, i)
		}
	}
	return left
}

// bring finds somebody to stand for list i, moving others to other lists where that frees somebody.
func (ls lists) bring(i int, approving []Vote, stands map[string]int, tried map[string]bool) bool {
	for _, v := range approving {
		if !ls[i][v.Seat] || tried[v.By] {
			continue
		}
		tried[v.By] = true
		if other, taken := stands[v.By]; !taken || ls.bring(other, approving, stands, tried) {
			stands[v.By] = i
			return true
		}
	}
	return false
}
