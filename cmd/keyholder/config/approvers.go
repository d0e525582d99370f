package config

import (
	"fmt"
	"slices"

	"github.com/goccy/go-yaml/ast"

	"github.com/keyholder/keyholder/approvals"
)

// Approvers are Slack user or user-group IDs who answer a question: one list of them, or several, of each of which
// a different person must approve beside the quorum in all. The file writes one list as it is and several as a
// list of lists.
type Approvers [][]string

// IDs are all of them, in file order, each once.
func (a Approvers) IDs() []string { return union(a...) }

// Lists are the lists of each of which somebody must approve; none when there is only one, of which that is said
// by the quorum already.
func (a Approvers) Lists() [][]string {
	if len(a) < 2 {
		return nil
	}
	out := make([][]string, len(a))
	for i, list := range a {
		out[i] = union(list)
	}
	return out
}

// bindApprovers reads a list of IDs, or a list of such lists. Both at once say nothing clear.
func (b *binder) bindApprovers(path string, node ast.Node, out *Approvers) {
	list, ok := node.(*ast.SequenceNode)
	if !ok {
		var none []string
		b.bindValue(path, node, &none) // tells what a list looks like
		return
	}
	nested := 0
	for _, entry := range list.Values {
		if inner, ok := b.resolve(entry); ok && isList(inner) {
			nested++
		}
	}
	switch {
	case nested == 0:
		var flat []string
		b.bindValue(path, node, &flat)
		*out = nil
		if len(flat) > 0 {
			*out = Approvers{flat}
		}
	case nested < len(list.Values):
		b.unread(path, node, "", "This is a list of people and of lists at once",
			"Write either [U0ANA, U0BEN], or lists alone: [[U0ANA, U0BEN], [U0CAT]].")
	default:
		var lists [][]string
		b.bindValue(path, node, &lists)
		*out = lists
	}
}

func isList(node ast.Node) bool {
	_, is := node.(*ast.SequenceNode)
	return is
}

// approvers checks the lists of approvers one by one, and whether somebody can be found for each.
func (c *checker) approvers(path string, given Approvers) {
	for i, list := range given {
		at := c.listAt(path, i)
		c.ids(at, list)
		if len(list) == 0 {
			c.fault(at, "", "This list names nobody, so nobody could approve for it",
				"Name people in it, or remove it.")
		}
	}
	if lists := given.Lists(); c.approversKnown(path, given) {
		c.meetable(path, lists)
	}
}

// listAt is where the i-th list of approvers stands: a single one may be written without a list around it.
func (c *checker) listAt(path string, i int) string {
	if c.marks.given(index(index(path, 0), 0)) {
		return index(path, i)
	}
	return path
}

// approversKnown says whether all of them are people, and none could not be read.
func (c *checker) approversKnown(path string, given Approvers) bool {
	known := !c.marks.unread(path)
	for i, list := range given {
		_, all := c.count(c.listAt(path, i), list)
		known = known && all && len(list) > 0
	}
	return known
}

// transferApproversKnown says the same of those who confirm a transfer, who are the holders where nobody is named.
func (c *checker) transferApproversKnown(path string, a *Account) bool {
	if len(a.Approvers) > 0 {
		return c.approversKnown(path+".approvers", a.Approvers)
	}
	return c.holdersKnown(path, a)
}

// meetable asks whether a different person could approve for each list, when everybody named can.
func (c *checker) meetable(path string, lists [][]string) {
	if len(lists) == 0 {
		return
	}
	everybody := approvals.Standing{}
	b := approvals.Ballot{Quorum: 1, Lists: lists, Electorate: union(lists...)}
	for _, id := range b.Electorate {
		everybody[id] = ""
	}
	if b.DeadEnd(everybody, nil, b.Opens) != nil {
		c.fault(path, "", fmt.Sprintf("The %d lists can never be met: a different person of each must approve",
			len(lists)),
			"Name somebody more in the lists that share their people.")
	}
}

// quiet refuses a list that leaves a question without anybody who hears of it.
func (c *checker) quiet(path string, a *Account) {
	at := path + ".quiet"
	c.ids(at, a.Quiet)
	for _, question := range []struct {
		name   string
		people []string
	}{
		{"a transfer", a.ApproverIDs()},
		{"access", a.AccessApproverIDs()},
		{"a recovery", a.RecoveryApproverIDs()},
	} {
		if len(question.people) > 0 && knownPeople(question.people) && subset(question.people, a.Quiet) &&
			!slices.ContainsFunc(a.Quiet, IsGroup) {
			c.fault(at, "", "Everybody who may approve "+question.name+" is named here, so nobody would be asked",
				"Leave out somebody who is to get the card.")
			return
		}
	}
}
