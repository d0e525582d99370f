package bot

import (
	"context"
	"sort"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/keyholder/keyholder/workflows"
)

// command answers the slash command; the answer travels in the acknowledgement.
func (v *visit) command(ctx context.Context) {
	if v.fault != "" {
		v.fail(ctx, coded(v.fault))
		return
	}
	if err := v.mayAct(ctx); err != nil {
		v.fail(ctx, err)
		return
	}
	do := func(ctx context.Context) (workflows.Reply, error) { return v.word(ctx, v.slash.Text) }
	reply, err := v.decided(ctx, func(ctx context.Context) (workflows.Reply, error) {
		if err := v.member(ctx); err != nil {
			return workflows.Reply{}, err
		}
		return do(ctx)
	})
	if v.stepUp(ctx, err, do) {
		return
	}
	if err != nil {
		v.fail(ctx, err)
		return
	}
	if reply.Text == "" {
		v.ack.send("ok", nil)
		return
	}
	// The answer has to be there within 3 s, link or not.
	short, cancel := context.WithTimeout(ctx, max(DeskBudget+deskGrace-v.b.o.RealNow().Sub(v.at), time.Millisecond))
	defer cancel()
	if l := v.b.linkTo(short, reply.Link, v.who.user); l != "" {
		reply.Text += " <" + l + "|Open the card>"
	}
	v.ack.send("ok", withCards(v.b.fill(reply.Text), v.cards))
	v.later(ctx)
}

// word is one thing the command can do; rest is what was typed after its name.
type word func(v *visit, ctx context.Context, rest string) (workflows.Reply, error)

// words are what works, by name.
var words map[string]word

func init() { // a variable initialised in place would depend on itself through the list of names
	words = map[string]word{
		"help":     (*visit).wordHelp,
		"status":   (*visit).wordStatus,
		"owner":    (*visit).wordStatus,
		"transfer": (*visit).wordTransfer,
		"mine":     (*visit).wordMine,
		"delegate": (*visit).wordDelegate,
		"audit":    (*visit).wordAudit,
		"access":   (*visit).wordAccess,
		"grant":    (*visit).wordAccess,
		"remove":   (*visit).wordAccess,
		"recover":  (*visit).wordRecover,
		"recovery": (*visit).wordRecover,
		"who":      (*visit).wordWho,
		"review":   (*visit).wordReview,
		"reviews":  (*visit).wordReview,
		"key":      (*visit).wordKey,
		"docs":     (*visit).wordDocs,
		"whatif":   (*visit).wordWhatIf,
		"offboard": (*visit).wordOffboard,
		"step-up":  (*visit).wordStepUp,
		"stepup":   (*visit).wordStepUp,
	}
}

// word finds and runs what was typed.
func (v *visit) word(ctx context.Context, text string) (workflows.Reply, error) {
	fields := strings.Fields(text)
	if len(fields) == 0 {
		return v.wordHelp(ctx, "")
	}
	name := strings.ToLower(strings.Trim(fields[0], "/*_`~.,!?"))
	rest := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(text), fields[0]))
	if w, ok := words[name]; ok {
		return w(v, ctx, rest)
	}
	if _, ok := mentioned(fields[0]); ok || strings.HasPrefix(name, "@") {
		return say(v.b.fill(
			"Nothing was asked about that person. Did you mean `{command} who @person`? `{command} help` lists all there is.")), nil
	}
	unknown := "There is no command " + workflows.Quote(workflows.Clip(unescape(fields[0]), 40)) + ". "
	if n := nearest(name, known()); n != "" {
		unknown += "Did you mean `" + v.b.o.Command + " " + n + "`? "
	}
	return say(unknown + "`" + v.b.o.Command + " help` lists all of them."), nil
}

// known are the words that work.
func known() []string {
	var out []string
	for w := range words {
		out = append(out, w)
	}
	sort.Strings(out)
	return out
}

func say(text string) workflows.Reply { return workflows.Reply{Text: text} }

func (v *visit) wordHelp(context.Context, string) (workflows.Reply, error) {
	return say("*Keyholder* keeps track of who owns your integrator.io accounts and hands them on with approvals.\n" +
		v.b.help()), nil
}

func (b *Bot) help() string {
	lines := []string{
		"`{command} status [account]` who owns an account, since when, what is open",
		"`{command} transfer [account]` hand an account to a shared mailbox or a person",
		"`{command} access [account]` give, change or take away access, for as long as it is needed",
		"`{command} who [account | @person]` who has access, since when, by which decision, until when",
		"`{command} review [account] [start | status | export]` who still needs their access: how the review goes, start one, get its files",
		"`{command} key [account] [use | drill]` who can use the owner's sign-in and when that was last shown; take it out on record; rehearse it",
		"`{command} recover [account]` nobody can sign in as the owner: report it, and it is regained step by step",
		"`{command} docs [account] [publish | unpublish]` the account on one page: owner, key, administrators, roles, what happened last, what to mend; keep it in the channel",
		"`{command} whatif @person` what rests on somebody, worst first",
		"`{command} offboard @person` somebody leaves: what rests on them becomes steps with a day; again, to move the day",
		"`{command} mine` what waits for you; `{command} mine ID` shows its card",
		"`{command} delegate @person [until]` let somebody decide in your place; until is a date (2026-12-24) or a length (3d, 12h); `{command} delegate off` ends it",
		"`{command} audit ID` the whole story of one transfer, request for access or finding, for those who may read the record",
	}
	if b.o.Codes != nil {
		lines = append(lines,
			"`{command} step-up` set up the authenticator app by whose codes you show who you are, or see how it stands")
	}
	return b.fill(strings.Join(append(lines, "With one account configured its name can be left out."), "\n"))
}

// nearest answers the candidate that is closest to what was typed, of equals the first; "" when none is near.
func nearest(typed string, candidates []string) string {
	best, least := "", tooFar
	for _, c := range candidates {
		if d := apart(typed, c); d < least {
			best, least = c, d
		}
	}
	return best
}

// tooFar is what no slip of the hand comes to.
const tooFar = 1 << 10

// apart counts the slips between what was typed and a word: upper and lower case alike, the
// beginning of a word as one; [tooFar] when they are not alike, that is with more slips than one in
// three letters.
func apart(typed, word string) int {
	typed, word = strings.ToLower(typed), strings.ToLower(word)
	if utf8.RuneCountInString(typed) >= 3 && strings.HasPrefix(word, typed) {
		return 1
	}
	d := distance(typed, word)
	if d > max(1, min(utf8.RuneCountInString(typed), utf8.RuneCountInString(word))/3) {
		return tooFar
	}
	return d
}

// distance counts insertions, deletions, replacements and swaps of neighbours between two words, at
// most 64 characters of each.
func distance(a, b string) int {
	x, y := []rune(workflows.Clip(a, 64)), []rune(workflows.Clip(b, 64))
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			change := 1
			if x[i-1] == y[j-1] {
				change = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(x)][len(y)]
}
