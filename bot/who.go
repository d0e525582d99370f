package bot

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/keyholder/keyholder/bot/roster"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review"
)

// rowsPerPage keeps an answer readable and far below Slack's limits.
const rowsPerPage = 25

// wordWho tells who has access: to an account, page by page, or what one person has everywhere.
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

// whoAccount lists an account's users, the owner first, whom integrator.io's own list leaves out.
func (v *visit) whoAccount(ctx context.Context, a workflows.AccountInfo, page int) (workflows.Reply, error) {
	head := []string{"*Who has access to " + workflows.Esc(a.Policy.Name) + "*", "Owner: " + workflows.Esc(owner(a)) +
		". " + since(a.State)}
	for _, al := range a.Policy.Aliases {
		if workflows.SameEmail(al.Email, owner(a)) {
			head = append(head, alias(al))
		}
	}
	kept := v.kept(ctx, a)
	var rows []string
	for _, env := range environmentsOf(a.Policy) {
		census, err := v.b.o.Census(ctx, a.Policy.ID, env.value)
		if err != nil {
			rows = append(rows, "*"+workflows.Esc(env.title)+"*: "+unreadable(err))
			continue
		}
		rows = append(rows, "*"+workflows.Esc(env.title)+"*, "+workflows.Plural(len(census.Users), "user")+
			" (read at integrator.io, "+workflows.TimeOfDay(census.At)+")")
		sort.SliceStable(census.Users, func(i, j int) bool { return byRisk(census.Users[i], census.Users[j]) })
		for _, u := range census.Users {
			rows = append(rows, userRow(u, a.State.DecisionOn(env.value, u).Or(kept.On(env.value, u))))
		}
	}
	pages := max(1, (len(rows)+rowsPerPage-1)/rowsPerPage)
	if page > pages {
		return say(fmt.Sprintf("There are only %s. `%s who %s %d` shows the last.", workflows.Plural(pages, "page"),
			v.b.o.Command, a.Policy.ID, pages)), nil
	}
	shown := rows[(page-1)*rowsPerPage : min(page*rowsPerPage, len(rows))]
	out := append(head, shown...)
	if page < pages {
		out = append(out, fmt.Sprintf("Page %d of %d. `%s who %s %d` goes on.", page, pages, v.b.o.Command, a.Policy.ID,
			page+1))
	}
	return say(strings.Join(out, "\n")), nil
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

// userRow is one user in a line: what, since when, by which decision, until when.
func userRow(u workflows.User, last workflows.Decided) string {
	role := u.Role
	if u.Role == workflows.RoleCustom {
		role = fmt.Sprintf("custom on %s", workflows.Plural(len(u.Manage)+len(u.Monitor), "integration"))
	}
	parts := []string{"• " + workflows.Esc(u.Email) + ": " + role}
	switch {
	case u.Disabled:
		parts = append(parts, "switched off")
	case u.Status != workflows.UserAccepted:
		parts = append(parts, "invitation "+u.Status)
	case u.LastHere.IsZero():
		parts = append(parts, "never signed in here")
	default:
		parts = append(parts, "last here "+day(u.LastHere))
	}
	switch {
	case last.Workflow != "":
		decided := "by `" + last.Workflow + "` since " + day(last.Since)
		if last.Kept != "" {
			decided = "kept in `" + last.Workflow + "` by " + workflows.Mention(last.Kept) + ", " + day(last.Since)
		}
		parts = append(parts, decided)
		if !last.Until.IsZero() {
			parts = append(parts, "until "+workflows.When(last.Until))
		}
	case !u.Since.IsZero():
		parts = append(parts, "since "+day(u.Since)+", no decision recorded here")
	default:
		parts = append(parts, "no decision recorded here")
	}
	return strings.Join(parts, ", ")
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02") }

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
	accounts, err := v.b.o.Desk.Accounts(ctx)
	if err != nil {
		return workflows.Reply{}, err
	}
	lines := []string{"*What " + workflows.Mention(id) + " has* (" + workflows.Esc(p.Email) + ")"}
	hidden := 0
	for _, a := range accounts {
		if id != v.who.user && v.mayRead(ctx, a.Policy.ID) != nil {
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
		for _, h := range al.Holders {
			if h == p.ID {
				out = append(out, name+": holds the mailbox "+workflows.Esc(al.Email))
			}
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
				out = append(out, name+", "+workflows.Esc(env.title)+": "+
					strings.TrimPrefix(userRow(u, a.State.DecisionOn(env.value, u).Or(kept.On(env.value, u))), "• "))
			}
		}
		if !found {
			out = append(out, name+", "+workflows.Esc(env.title)+": no access")
		}
	}
	return out
}
