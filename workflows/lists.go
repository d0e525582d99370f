package workflows

import "slices"

// Union joins lists without duplicates and empty entries, keeping the order.
func Union(lists ...[]string) []string {
	var out []string
	for _, l := range lists {
		for _, x := range l {
			if x != "" && !slices.Contains(out, x) {
				out = append(out, x)
			}
		}
	}
	return out
}

// Among reports whether somebody stands in one of the lists.
func Among(who string, lists ...[]string) bool {
	for _, l := range lists {
		if slices.Contains(l, who) {
			return true
		}
	}
	return false
}
