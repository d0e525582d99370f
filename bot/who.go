package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/keyholder/keyholder/bot/draw"
	"github.com/keyholder/keyholder/bot/roster"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review"
)

// Limits of what an answer lists, and what is said of many rows at once.
const (
	// rowsPerPage is what one table takes beside the owner.
	rowsPerPage = draw.TableRows - 1
	// lately is how long ago somebody may have been here without being pointed out.
	lately = 30 * 24 * time.Hour
)

// wordWho tells who has access: to an account, page by page, or what one person, or one address, has
// everywhere.
func (v *visit) wordWho(ctx context.Context, rest string) (workflows.Reply, error) {
	if strings.HasPrefix(unquote(rest), "@") {
		return say(v.b.fill(
			"Pick the person from the list that Slack shows after you type @, so that it is certain who is meant. For example `{command} who @person`. " +
				"Where Slack shows no list, the app's command lacks the setting that turns names into people: ask whoever operates Keyholder to switch it on (should_escape in the manifest).")), nil
	}
	if v.b.o.Census == nil {
		return say("Looking up who has access is not there in this installation. `" + v.b.o.Command +
			" status` shows the owner and the holders."), nil
	}
	if id, ok := mentioned(rest); ok {
		return v.whoPerson(ctx, id)
	}
	if email, ok := addressed(rest); ok {
		return v.whoAddress(ctx, email)
	}
	page := 1
	if fields := strings.Fields(rest); len(fields) > 0 {
		if n, err := strconv.Atoi(fields[len(fields)-1]); err == nil && n > 0 && n < 10_000 {
			page, rest = n, strings.Join(fields[:len(fields)-1], " ")
		}
	}
	a, _, err := v.find(ctx, rest)
	if err != nil {
		return workflows.Reply{}, err
	}
	if err := v.mayRead(ctx, a.Policy.ID); err != nil {
		return workflows.Reply{}, err
	}
	v.looked(a.Policy.ID)
	return v.whoAccount(ctx, a, page)
}

// looked has an account compared with the record, as somebody looks at it anyway.
func (v *visit) looked(account string) {
	if v.b.o.Looked != nil {
		v.b.o.Looked(account)
	}
}

// mentioned reads "<@U123>" or "<@U123|name>".
func mentioned(text string) (string, bool) {
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, "<@") || !strings.HasSuffix(text, ">") {
		return "", false
	}
	id, _, _ := strings.Cut(text[2:len(text)-1], "|")
	return id, roster.IsPerson(id)
}

// addressed reads an address, as typed or as Slack makes a link of it: "<mailto:ana@acme.example|ana@acme.example>".
func addressed(text string) (string, bool) {
	text = unquote(unescape(text))
	if inner, ok := strings.CutPrefix(text, "<mailto:"); ok {
		text, _, _ = strings.Cut(strings.TrimSuffix(inner, ">"), "|")
	}
	at := strings.IndexByte(text, '@')
	return text, at > 0 && strings.Contains(text[at:], ".") && !strings.ContainsAny(text, " \t\n<>|,;")
}

// mayRead refuses who may not read the account's record.
func (v *visit) mayRead(ctx context.Context, account string) error {
	me, err := v.person(ctx)
	if err != nil {
		return err
	}
	if !v.b.o.Desk.MayRead(ctx, me, account) {
		return workflows.Refuse("may_not_read",
			"Only the holders, approvers, administrators and auditors of this account can see who has access. You can see your own: `"+v.b.o.Command+" who` with your own name mentioned.")
	}
	return nil
}

// environmentOf is one environment of an account.
type environmentOf struct {
	value, title string
}

func environmentsOf(p workflows.Policy) []environmentOf {
	out := []environmentOf{{"", "Production"}}
	for _, e := range p.Access.Environments {
		out = append(out, environmentOf{e.Name, e.Name})
	}
	return out
}

// listed is one row of the answer.
type listed struct {
	env  environmentOf
	user workflows.User
	last workflows.Decided
}

// whoAccount lists an account's users, the owner first, by environment and role.
func (v *visit) whoAccount(ctx context.Context, a workflows.AccountInfo, page int) (workflows.Reply, error) {
	head := []string{"*Who has access to " + workflows.Esc(a.Policy.Name) + "*", "Owner: " + workflows.Esc(owner(a)) +
		". " + since(a.State)}
	for _, al := range a.Policy.Aliases {
		if workflows.SameEmail(al.Email, owner(a)) {
			head = append(head, alias(al))
		}
	}
	kept := v.kept(ctx, a)
	environments := environmentsOf(a.Policy)
	var rows []listed
	for _, env := range environments {
		census, err := v.b.o.Census(ctx, a.Policy.ID, env.value)
		if err != nil {
			head = append(head, "*"+workflows.Esc(env.title)+"*: "+unreadable(err))
			continue
		}
		head = append(head, "*"+workflows.Esc(env.title)+"*: "+roles(census.Users)+", read at integrator.io, "+
			workflows.TimeOfDay(census.At))
		sort.SliceStable(census.Users, func(i, j int) bool { return byRisk(census.Users[i], census.Users[j]) })
		for _, u := range census.Users {
			rows = append(rows, listed{env, u, a.State.DecisionOn(env.value, u).Or(kept.On(env.value, u))})
		}
	}
	pages := max(1, (len(rows)+rowsPerPage-1)/rowsPerPage)
	if page > pages {
		return say(fmt.Sprintf("There are only %s. `%s who %s %d` shows the last.", workflows.Plural(pages, "page"),
			v.b.o.Command, a.Policy.ID, pages)), nil
	}
	first := (page - 1) * rowsPerPage
	shown := rows[first:min(page*rowsPerPage, len(rows))]
	var foot []string
	if pages > 1 {
		foot = append(foot, v.b.fill(fmt.Sprintf("Page %d of %d: %d to %d of %s. `{command} who ADDRESS` finds one.",
			page, pages, first+1, first+len(shown), workflows.Plural(len(rows), "user"))))
	}
	if page < pages {
		foot = append(foot, fmt.Sprintf("`%s who %s %d` goes on.", v.b.o.Command, a.Policy.ID, page+1))
	}
	lines, rest := v.listedLines(shown, len(environments) > 1)
	v.whoTable(ctx, a, shown, len(environments) > 1, head, foot)
	return say(strings.Join(slices.Concat(head, lines, rest, foot), "\n")), nil
}

// roles counts users by what they have: "23 users (2 administrators, 5 manage, 16 monitor)".
func roles(users []workflows.User) string {
	counts := map[string]int{}
	for _, u := range users {
		counts[u.Role]++
	}
	var words []string
	for _, role := range []string{workflows.RoleAdministrator, workflows.RoleManage, workflows.RoleCustom,
		workflows.RoleMonitor, workflows.RoleNone} {
		switch n := counts[role]; {
		case n > 0 && role == workflows.RoleAdministrator:
			words = append(words, workflows.Plural(n, role))
		case n > 0:
			words = append(words, strconv.Itoa(n)+" "+role)
		}
	}
	text := workflows.Plural(len(users), "user")
	if len(words) > 0 {
		text += " (" + strings.Join(words, ", ") + ")"
	}
	return text
}

// listedLines are rows as text; what most have in common is said once, in rest.
func (v *visit) listedLines(rows []listed, many bool) (lines, rest []string) {
	recent, undecided := 0, 0
	for _, r := range rows {
		if v.recent(r.user) {
			recent++
		}
		if r.last.Workflow == "" {
			undecided++
		}
	}
	const few = 3 // as many are said one by one
	for i, r := range rows {
		if i == 0 || rows[i-1].env != r.env || rows[i-1].user.Role != r.user.Role {
			group := "*" + r.user.Role + "*"
			if many {
				group = "*" + workflows.Esc(r.env.title) + ", " + r.user.Role + "*"
			}
			lines = append(lines, group)
		}
		lines = append(lines, "• "+workflows.Esc(r.user.Email)+userRow(r.user, r.last,
			unsaid{role: r.user.Role != workflows.RoleCustom, here: recent > few && v.recent(r.user),
				undecided: undecided > few}))
	}
	if recent > few {
		rest = append(rest, others(recent, len(rows))+" last here within 30 days.")
	}
	if undecided > few {
		rest = append(rest, others(undecided, len(rows))+" no decision recorded here.")
	}
	return lines, rest
}

// others names the n of all rows that nothing was said about.
func others(n, all int) string {
	if n == all {
		return "All of them:"
	}
	return "All others:"
}

// recent reports whether somebody was here lately, so that nothing need be said about it.
func (v *visit) recent(u workflows.User) bool {
	return !u.Disabled && u.Status == workflows.UserAccepted && !u.LastHere.IsZero() &&
		v.b.at().Sub(u.LastHere) < lately
}

// whoTable shows the same rows as a table, below that of the owner, whom integrator.io's own list leaves
// out. Columns in which nothing would stand are left out, and what that means is said below.
func (v *visit) whoTable(ctx context.Context, a workflows.AccountInfo, rows []listed, many bool, head, foot []string) {
	_, _, transferred := workflows.ParseID(a.State.By)
	decided, ends := transferred, false
	var kept []string
	for _, r := range rows {
		decided, ends = decided || r.last.Workflow != "", ends || !r.last.Until.IsZero()
		if r.last.Kept != "" {
			kept = append(kept, workflows.Mention(r.last.Kept))
		}
	}
	v.b.learnNames(ctx, kept)
	t := draw.Table{Caption: "Users of " + a.Policy.Name, Columns: []string{"Address", "Role"}}
	add := func(shown bool, column string) {
		if shown {
			t.Columns = append(t.Columns, column)
		}
	}
	add(many, "Environment")
	add(true, "Last here")
	add(decided, "Decided")
	add(ends, "Until")
	rows = slices.Concat([]listed{{environmentOf{title: "all"}, workflows.User{Email: owner(a), Role: roleOwner},
		workflows.Decided{}}}, rows)
	if transferred {
		rows[0].last = workflows.Decided{Workflow: a.State.By, Since: a.State.Since}
	}
	for _, r := range rows {
		cells := []draw.Cell{draw.TextCell(r.user.Email), draw.TextCell(roleWord(r.user))}
		if many {
			cells = append(cells, draw.TextCell(r.env.title))
		}
		cells = append(cells, hereCell(r.user))
		if decided {
			cells = append(cells, v.decidedCell(r.last))
		}
		if ends {
			cells = append(cells, draw.TimeCell(r.last.Until))
		}
		t.Rows = append(t.Rows, cells)
	}
	if decided {
		foot = append(foot, "“–” under Decided: no decision is recorded here.")
	} else if len(rows) > 1 {
		foot = append(foot, "No decision about any of them is recorded here.")
	}
	v.table(t, head, foot)
}

// roleOwner is the owner's in an answer; integrator.io knows no such role.
const roleOwner = "owner"

func roleWord(u workflows.User) string {
	if u.Role == workflows.RoleCustom {
		return "custom on " + workflows.Plural(len(u.Manage)+len(u.Monitor), "integration")
	}
	return u.Role
}

// hereWord says when somebody was last here, or why that says nothing.
func hereWord(u workflows.User) string {
	switch {
	case u.Role == roleOwner: // their sign-ins are no part of the list
		return ""
	case u.Disabled:
		return "switched off"
	case u.Status != workflows.UserAccepted:
		return "invitation " + u.Status
	case u.LastHere.IsZero():
		return "never signed in here"
	}
	return "last here " + workflows.Day(u.LastHere)
}

func hereCell(u workflows.User) draw.Cell {
	if u.Role == roleOwner || u.Disabled || u.Status != workflows.UserAccepted || u.LastHere.IsZero() {
		return draw.TextCell(strings.TrimSuffix(hereWord(u), " signed in here"))
	}
	return draw.DayCell(u.LastHere, "")
}

// decidedCell is a decision: since when, by which workflow, and who kept it in a review.
func (v *visit) decidedCell(d workflows.Decided) draw.Cell {
	text := d.Workflow
	if d.Kept != "" {
		text += ", kept by " + cmp.Or(v.b.people.Name(d.Kept), d.Kept)
	}
	return draw.DayCell(d.Since, text)
}

// lastReviews are how many of an account's reviews are looked at for what they kept: one may be
// under way, and the one before it counts until then.
const lastReviews = 2

// kept is what the last reviews kept. What cannot be read now is not named: the row itself matters more.
func (v *visit) kept(ctx context.Context, a workflows.AccountInfo) review.Kept {
	out := review.Kept{}
	for i := len(a.State.Reviews) - 1; i >= max(0, len(a.State.Reviews)-lastReviews); i-- {
		st, err := v.b.o.Desk.State(ctx, a.State.Reviews[i].ID)
		s, ok := st.(review.CampaignState)
		if err != nil || !ok {
			continue
		}
		packets, err := v.packets(ctx, s)
		if err != nil {
			v.b.log.Warn().Err(err).Str(workflows.LogWorkflow, s.ID).Msg("what a review kept cannot be named now")
			continue
		}
		for _, p := range packets {
			out.Add(p)
		}
	}
	return out
}

// unreadable says why a list cannot be shown.
func unreadable(err error) string {
	var refused *workflows.Refusal
	if errors.As(err, &refused) {
		return refused.Text
	}
	return "integrator.io's list of users cannot be read now. Try again in a minute; without a token, look under Users there."
}

// byRisk orders administrators first and monitors last, then by address.
func byRisk(a, b workflows.User) bool {
	rank := map[string]int{workflows.RoleAdministrator: 0, workflows.RoleManage: 1, workflows.RoleCustom: 2,
		workflows.RoleMonitor: 3}
	ra, oka := rank[a.Role]
	rb, okb := rank[b.Role]
	if !oka {
		ra = 4
	}
	if !okb {
		rb = 4
	}
	if ra != rb {
		return ra < rb
	}
	return strings.ToLower(a.Email) < strings.ToLower(b.Email)
}

// unsaid is what a line about a user leaves out, because it is said of many at once.
type unsaid struct{ role, here, undecided bool }

// userRow is one user in a line, behind their name: what, since when, by which decision, until when.
func userRow(u workflows.User, last workflows.Decided, not unsaid) string {
	var parts []string
	if !not.role {
		parts = append(parts, roleWord(u))
	}
	if !not.here {
		parts = append(parts, hereWord(u))
	}
	switch {
	case last.Workflow != "":
		decided := "by `" + last.Workflow + "` since " + workflows.Day(last.Since)
		if last.Kept != "" {
			decided = "kept in `" + last.Workflow + "` by " + workflows.Mention(last.Kept) + ", " + workflows.Day(last.Since)
		}
		parts = append(parts, decided)
		if !last.Until.IsZero() {
			parts = append(parts, "until "+workflows.When(last.Until))
		}
	case not.undecided:
	case !u.Since.IsZero():
		parts = append(parts, "since "+workflows.Day(u.Since)+", no decision recorded here")
	default:
		parts = append(parts, "no decision recorded here")
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}

// whoPerson lists what one person has in every account the asker may read; everybody may ask about themselves.
func (v *visit) whoPerson(ctx context.Context, id string) (workflows.Reply, error) {
	p, err := v.someone(ctx, id)
	if err != nil {
		return workflows.Reply{}, err
	}
	if p.Email == "" {
		return say("Slack shows no confirmed e-mail address of " + workflows.Mention(id) +
			", so they cannot be found at integrator.io. Ask with the account's name and look for them there."), nil
	}
	return v.whoEverywhere(ctx, p, "*What "+workflows.Mention(id)+" has* ("+workflows.Esc(p.Email)+")",
		id == v.who.user)
}

// whoAddress lists what an address has in every account the asker may read; their own shows all.
func (v *visit) whoAddress(ctx context.Context, email string) (workflows.Reply, error) {
	me, err := v.person(ctx)
	if err != nil {
		return workflows.Reply{}, err
	}
	own := me.Email != "" && workflows.SameEmail(me.Email, email)
	return v.whoEverywhere(ctx, workflows.Person{Email: email}, "*What "+workflows.Esc(email)+" has*", own)
}

// whoEverywhere lists what a person or an address has, account by account; own: the asker's.
func (v *visit) whoEverywhere(ctx context.Context, p workflows.Person, head string, own bool) (workflows.Reply, error) {
	accounts, err := v.b.o.Desk.Accounts(ctx)
	if err != nil {
		return workflows.Reply{}, err
	}
	lines, hidden := []string{head}, 0
	for _, a := range accounts {
		if !own && v.mayRead(ctx, a.Policy.ID) != nil {
			hidden++
			continue
		}
		v.looked(a.Policy.ID)
		lines = append(lines, v.personIn(ctx, a, p)...)
	}
	if hidden > 0 {
		lines = append(lines, workflows.Plural(hidden, "account")+" not shown: you may not read who has access there.")
	}
	return say(strings.Join(lines, "\n")), nil
}

// personIn lists what a person has in one account.
func (v *visit) personIn(ctx context.Context, a workflows.AccountInfo, p workflows.Person) []string {
	name := "*" + workflows.Esc(a.Policy.Name) + "*"
	if workflows.SameEmail(p.Email, owner(a)) {
		return []string{name + ": owner. " + since(a.State)}
	}
	var out []string
	for _, al := range a.Policy.Aliases {
		if p.ID != "" && slices.Contains(al.Holders, p.ID) {
			out = append(out, name+": holds the mailbox "+workflows.Esc(al.Email))
		}
		if workflows.SameEmail(al.Email, p.Email) {
			out = append(out, name+": "+strings.ToLower(alias(al)[:1])+strings.TrimSuffix(alias(al)[1:], "."))
		}
	}
	for _, env := range environmentsOf(a.Policy) {
		census, err := v.b.o.Census(ctx, a.Policy.ID, env.value)
		if err != nil {
			out = append(out, name+", "+workflows.Esc(env.title)+": "+unreadable(err))
			continue
		}
		kept := v.kept(ctx, a)
		found := false
		for _, u := range census.Users {
			if workflows.SameEmail(u.Email, p.Email) {
				found = true
				out = append(out, name+", "+workflows.Esc(env.title)+userRow(u,
					a.State.DecisionOn(env.value, u).Or(kept.On(env.value, u)), unsaid{}))
			}
		}
		if !found {
			out = append(out, name+", "+workflows.Esc(env.title)+": no access")
		}
	}
	return out
}
