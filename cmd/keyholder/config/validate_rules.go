package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

func itoa(n int) string { return strconv.Itoa(n) }

func (c *checker) transfer(path string, a *Account) {
	at, t := path+".transfer", a.Transfer
	c.approvers(path+".approvers", a.Approvers)
	c.quorum(at+".quorum", t.Quorum, len(a.ApproverIDs()), c.transferApproversKnown(path, a), "holders (or approvers)")
	c.atLeastSecond(at+".confirm_within", t.ConfirmWithin)
	c.atLeastSecond(at+".cooldown", t.Cooldown)
	c.atLeastSecond(at+".accept_within", t.AcceptWithin)
	c.atLeastSecond(at+".watch_every", t.WatchEvery)
	c.oneOf(at+".on_errors", t.OnErrors, Block, Warn, Ignore)
	c.oneOf(at+".on_shared", t.OnShared, Block, Warn, Ignore)
}

func (c *checker) holdersKnown(path string, a *Account) bool {
	known := !c.marks.unread(path + ".aliases")
	for i, alias := range a.Aliases {
		at := index(path+".aliases", i)
		_, ok := c.count(at+".holders", alias.Holders)
		known = known && ok && !c.marks.unread(at)
	}
	return known
}

// managersKnown says whether holders and administrators are people only, and all of them could be read.
func (c *checker) managersKnown(path string, a *Account) bool {
	_, known := c.count(path+".admins", a.Admins)
	return known && c.holdersKnown(path, a)
}

// quorum must be reachable by the people named. Who is a guest or gone is not known here; check asks Slack.
func (c *checker) quorum(path string, quorum, people int, known bool, who string) {
	switch {
	case quorum < 1:
		c.fault(path, show(itoa(quorum)), "is less than 1: nobody would have to agree",
			"Write 1 or more; 2 is the default where ownership moves.")
	case !known:
	case people == 0: // the account's alias or its holders are missing, which is a fault of its own
	case quorum > people:
		named := fmt.Sprintf("%d people are named", people)
		if people == 1 {
			named = "1 person is named"
		}
		c.fault(path, show(itoa(quorum)), "can never be reached: "+named, "Lower the quorum or name more "+who+".")
	}
}

func (c *checker) atLeastSecond(path string, d Duration) {
	c.length(path, d, second)
}

func (c *checker) length(path string, d, least Duration) {
	switch {
	case d < 0:
		c.fault(path, show(d.String()), "is less than nothing", "Write a length of time without a minus sign.")
	case d < least:
		c.fault(path, show(d.String()), "is shorter than 1s", "Write 1s or more.")
	case d > longest:
		c.fault(path, show(d.String()), "is longer than 100 years", "Write a shorter time.")
	}
}

// longest keeps sums of a date and a few durations far from the end of time's range.
const longest = 36525 * day

func (c *checker) lengths(path string, list []Duration, least Duration) {
	seen := map[Duration]bool{}
	for i, d := range list {
		at := index(path, i)
		if c.marks.unread(at) {
			continue
		}
		c.length(at, d, least)
		if seen[d] {
			c.fault(at, show(d.String()), "is in this list already", "Remove one.")
		}
		seen[d] = true
	}
}

func (c *checker) oneOf(path, value string, words ...string) {
	if !slices.Contains(words, value) {
		c.fault(path, show(value), "is none of the words known here", choices(words))
	}
}

func (c *checker) access(path string, a *Account) {
	at, x := path+".access", &a.Access
	people, known := len(a.AccessApproverIDs()), c.managersKnown(path, a)
	if len(x.Approvers) > 0 {
		known = c.approversKnown(at+".approvers", x.Approvers)
	}
	c.approvers(at+".approvers", x.Approvers)
	c.quorum(at+".quorum", x.Quorum, people, known, "approvers of access")
	c.quorum(at+".administrator_quorum", x.AdministratorQuorum, people, known, "approvers of access")
	c.atLeastSecond(at+".confirm_within", x.ConfirmWithin)
	c.spans(at, x)
	c.lengths(at+".notice", x.Notice, second)
	c.atLeastSecond(at+".urgent_for", x.UrgentFor)
	c.atLeastSecond(at+".drift_every", x.DriftEvery)
}

// spans checks for and default_for, and writes default_for as for does: it is the value of a menu's option.
func (c *checker) spans(path string, x *Access) {
	if len(x.For) == 0 {
		c.fault(path+".for", "", "No length of access is offered", "Write at least one, such as [7d, always].")
		return
	}
	if len(x.For) > longestMenu {
		c.fault(path+".for", "", "More than 100 lengths are offered, which is what a Slack menu holds",
			"Shorten the list.")
	}
	whole := !c.marks.unread(path + ".for")
	for i, span := range x.For {
		at := index(path+".for", i)
		if c.marks.unread(at) {
			whole = false
			continue
		}
		if !span.IsAlways() {
			c.atLeastSecond(at, span.Length)
		}
		if first := slices.IndexFunc(x.For, span.Same); first < i && !c.marks.unread(index(path+".for", first)) {
			c.fault(at, show(span.Text), "is offered twice", "Remove one.")
		}
	}
	if i := slices.IndexFunc(x.For, x.DefaultFor.Same); i >= 0 {
		x.DefaultFor = x.For[i]
	} else if whole {
		c.defaultFor(path, x)
	}
}

func (c *checker) defaultFor(path string, x *Access) {
	var offered []string
	for _, span := range x.For {
		if span.IsAlways() || span.Length >= second {
			offered = append(offered, span.Text)
		}
	}
	c.fault(path+".default_for", show(x.DefaultFor.Text), "is not one of the lengths in for",
		"Choose one of "+strings.Join(offered, ", ")+", or add it to for.")
}

func (c *checker) review(path string, a *Account) {
	at, r := path+".review", a.Review
	c.oneOf(at+".every", r.Every, Month, Quarter, Half, Year)
	if _, err := ParseStarts(r.Starts); err != nil {
		c.fault(at+".starts", show(r.Starts), err.Error(),
			"Write for example first monday, last friday, or a day from 1 to 28.")
	}
	if _, err := loadZone(r.Timezone); err != nil {
		c.fault(at+".timezone", show(r.Timezone), "is not a time zone",
			"Write a name of the IANA list, such as Europe/Berlin, America/New_York or UTC.")
	}
	c.ids(at+".reviewers", r.Reviewers)
	c.reviewersBy(at, r)
	c.reminders(at, r)
	c.lengths(at+".escalate_after", r.EscalateAfter, second)
	c.atLeastSecond(at+".inactive_after", r.InactiveAfter)
	c.atLeastSecond(at+".inactive_privileged_after", r.InactivePrivilegedAfter)
	c.atLeastSecond(at+".exempt_new", r.ExemptNew)
	c.oneOf(at+".no_answer", r.NoAnswer, Keep, Remove)
	c.atLeastSecond(at+".fix_within", r.FixWithin)
	c.atLeastSecond(at+".fix_privileged_within", r.FixPrivilegedWithin)
}

// reviewersBy checks the rules that name other reviewers. A rule without people would leave its rows to nobody.
func (c *checker) reviewersBy(at string, r Review) {
	const empty = "Nobody is named for these rows"
	path := at + ".reviewers_by_role"
	for _, role := range slices.Sorted(maps.Keys(r.ReviewersByRole)) {
		rule := keyed(path, role)
		if !slices.Contains(ReviewRoles(), role) {
			c.fault(rule, show(role), "is not a role", nearestOf(role, ReviewRoles()))
		}
		if people := r.ReviewersByRole[role]; len(people) == 0 {
			c.fault(rule, "", empty, "Name reviewers, or remove the line: then those under reviewers decide.")
		} else {
			c.ids(rule, people)
		}
	}
	path = at + ".reviewers_by_integration"
	for _, name := range slices.Sorted(maps.Keys(r.ReviewersByIntegration)) {
		rule := keyed(path, name)
		if strings.TrimSpace(name) == "" {
			c.fault(rule, "", "The integration has no name", "Write its ID or its name as integrator.io shows it.")
		}
		if people := r.ReviewersByIntegration[name]; len(people) == 0 {
			c.fault(rule, "", empty,
				"Name reviewers, or remove the line: then those of the role, or under reviewers, decide.")
		} else {
			c.ids(rule, people)
		}
	}
}

func (c *checker) reminders(at string, r Review) {
	c.atLeastSecond(at+".window", r.Window)
	c.atLeastSecond(at+".grace", r.Grace)
	c.atLeastSecond(at+".remind_every", r.RemindEvery)
	c.lengths(at+".remind_before", r.RemindBefore, 0)
	c.atLeastSecond(at+".overdue_every", r.OverdueEvery)
	if _, _, err := ParseHours(r.Hours); err != nil {
		c.fault(at+".hours", show(r.Hours), err.Error(),
			`Write for example "09:00-17:00" in quotes, or "" for any hour.`)
	}
	if _, err := ParseDays(r.Days); err != nil {
		c.fault(at+".days", show(r.Days), err.Error(), `Write for example mon-fri or mon,wed,fri, or "" for any day.`)
	}
}

// lengthCure guesses what somebody meant by a length of time that cannot be read.
func lengthCure(text string) string {
	t := strings.ToLower(strings.TrimSpace(text))
	digits := strings.TrimRight(t, "abcdefghijklmnopqrstuvwxyz ")
	if n, err := strconv.ParseFloat(digits, 64); err == nil && n >= 0 {
		switch unit := strings.TrimSpace(t[len(digits):]); {
		case unit == "":
			return fmt.Sprintf("Add the unit: %ss, %sm, %sh or %sd.", digits, digits, digits, digits)
		case strings.HasPrefix(unit, "w") && n < 10000:
			return fmt.Sprintf("Write it in days: %sd.", strconv.FormatFloat(n*7, 'f', -1, 64))
		case strings.HasPrefix(unit, "day"):
			return fmt.Sprintf("Write %sd.", digits)
		case strings.HasPrefix(unit, "mo"):
			return "Months differ in length: write days, such as 30d."
		case strings.HasPrefix(unit, "min"):
			return fmt.Sprintf("Write %sm.", digits)
		}
	}
	return "Write for example 90m, 72h, 3d or 1d12h."
}
