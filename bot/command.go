package bot

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"sort"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/keyholder/keyholder/bot/draw"
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
		open := "<" + l + "|Open the card>"
		reply.Text += " " + open
		if len(v.instead) > 0 {
			v.instead = append(v.instead, draw.Note(open))
		}
	}
	v.ack.send("ok", v.answer(short, v.b.fill(reply.Text)))
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
		"`{command} who [account | @person | address]` who has access, since when, by which decision, until when",
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

// Codes of everything the bot itself tells people that went wrong. The refusals of machines and
// desk bring their own sentences.
const (
	codeUnclear       = "unclear"
	codeAway          = "away"
	codeStale         = "stale_facts"
	codeConflict      = "conflict"
	codeNoWorkflow    = "no_workflow"
	codeNewer         = "unknown_event"
	codeDoubted       = "doubted"
	codeInternal      = "internal"
	codeBusy          = "busy"
	codeStopping      = "stopping"
	codeProofLost     = "proof_lost"
	codeMalformed     = "malformed"
	codeUnknownButton = "unknown_button"
	codeUnknownForm   = "unknown_form"
	codeBadForm       = "bad_form"
	codeForeign       = "foreign"
	codeGuest         = "guest"
	codeBot           = "bot"
	codeDeactivated   = "deactivated"
	codeInvited       = "invited"
	codeUnknownPerson = "unknown_person"
	codeNoForm        = "form_not_opened"
	codeNoPage        = "page_not_shown"
	codePageMoved     = "page_moved"
	codeFormGone      = "form_gone"
	codeNoSlack       = "slack_away"
	codeRefused       = "refused" // a *workflows.Refusal, whose own code is logged
)

// saying is a sentence in two parts, so that none is left without a next step.
type saying struct {
	what string // what happened, and what was recorded
	next string // what to do
}

// sayings hold every code's words for a click. Those for forms and commands differ in forms and commands only.
var sayings = map[string]saying{
	codeUnclear: {"This click is not confirmed: the record did not answer in time.",
		"Look at the card in a minute; if it does not show your name, click again. Clicking twice counts once."},
	codeAway:     {"The record cannot be reached just now, so nothing was recorded.", "Try again in a minute."},
	codeStale:    {"Slack did not say in time who may decide, so nothing was recorded.", "Try again in a minute."},
	codeConflict: {"Several people changed this at the same moment, and yours did not get through. Nothing was recorded for you.", "Look at the card and try again."},
	codeNoWorkflow: {"There is nothing under that ID, so nothing was recorded.",
		"See what waits for you with `{command} mine`, or start again with `{command} help`."},
	codeNewer: {"This was written by a newer Keyholder than the one that runs now, so nothing was recorded.",
		"Ask whoever operates Keyholder to bring it up to date."},
	codeDoubted: {"Somebody changed in Redis what this is decided on, so nothing was recorded, and nothing is until that is cleared up.",
		"Ask whoever operates Keyholder to run keyholder audit verify."},
	codeInternal: {"Something went wrong. It may not have been recorded.",
		"Look at the card in a minute; if it does not show your name, try again. Should it fail again, give whoever operates Keyholder the reference."},
	codeBusy: {"Keyholder is busy: nothing was recorded.", "Try again in a minute."},
	codeProofLost: {"Your proof came, and was not taken: meanwhile you had been told that it is lost. Nothing was recorded.",
		"Do it once more."},
	codeStopping: {"Keyholder is being restarted: nothing was recorded.", "Try again in a minute."},
	codeMalformed: {"Keyholder cannot read what was pressed, so nothing was recorded.",
		"Use the newest card: `{command} mine` lists what waits for you."},
	codeUnknownButton: {"This Keyholder does not know that button, so nothing was recorded.",
		"`{command} help` lists what it can do."},
	codeUnknownForm: {"This Keyholder does not know that form, so nothing was recorded.",
		"`{command} help` lists what it can do."},
	codeBadForm: {"Keyholder cannot read this form, so nothing was recorded.",
		"Close it and open it again from the card or with `{command} help`."},
	codeForeign: {"You belong to another Slack workspace, so you cannot decide here. Nothing was recorded.",
		"Ask a member of the workspace that this belongs to."},
	codeGuest: {"You are a guest in this workspace, and guests cannot use Keyholder. Nothing was recorded.",
		"Ask a full member of the workspace to do it."},
	codeBot: {"Apps and bots cannot use Keyholder. Nothing was recorded.", "A person has to do it."},
	codeDeactivated: {"Your Slack account is deactivated, so you cannot use Keyholder. Nothing was recorded.",
		"Ask a workspace administrator."},
	codeInvited: {
		"You have not finished signing in to Slack, so you cannot use Keyholder yet. Nothing was recorded.",
		"Accept the invitation to the workspace, then try again."},
	codeUnknownPerson: {"Slack does not know who you are, so nothing was recorded.",
		"Sign in to Slack again, then try again."},
	codeNoForm: {"Slack did not open the form in time. Nothing was recorded.", "Try again."},
	codeNoPage: {
		"Slack did not show the page in time. What you pressed was recorded where it had something to record.",
		"Press again; to be sure, close the form and open it again from the card."},
	codePageMoved: {"The page has moved on meanwhile, so it was not turned again. What was recorded stands.",
		"Press again on the page that is shown now."},
	codeFormGone: {"The form is no longer open, so its next page could not be shown. What was recorded stands.",
		"Open it again from the card."},
	codeNoSlack: {"Slack did not answer Keyholder in time. Nothing was recorded.", "Try again in a minute."},
}

var formSayings = map[string]saying{
	codeUnclear: {"Not confirmed: the record did not answer in time.",
		"Send it again in a minute. Sending twice counts once."},
	codeInternal: {"Something went wrong. It may not have been recorded.",
		"Send it again; sending twice counts once. Should it fail again, give whoever operates Keyholder the reference."},
}

var commandSayings = map[string]saying{
	codeUnclear: {"This is not confirmed: the record did not answer in time.",
		"Try again in a minute. Doing it twice counts once."},
	codeInternal: {"Something went wrong.",
		"Try again. Should it fail again, give whoever operates Keyholder the reference."},
	codeNoWorkflow: {"There is nothing under that ID.",
		"See what is open with `{command} status`, or what waits for you with `{command} mine`."},
}

// standingCodes are the codes of people who may not use Keyholder, by their standing.
var standingCodes = map[string]string{
	workflows.StandingGuest: codeGuest, workflows.StandingBot: codeBot, workflows.StandingDeactivated: codeDeactivated,
	workflows.StandingForeign: codeForeign, workflows.StandingInvited: codeInvited,
	workflows.StandingUnknown: codeUnknownPerson,
}

// withRef are the codes whose sentence carries the log's reference: those where people and log have
// to be brought together.
var withRef = map[string]bool{codeUnclear: true, codeInternal: true}

// codeOf names an error.
func codeOf(err error) string {
	if _, ok := errors.AsType[*workflows.Refusal](err); ok {
		return codeRefused
	}
	if c, ok := errors.AsType[coded](err); ok {
		return string(c)
	}
	switch {
	case errors.Is(err, workflows.ErrAway):
		return codeAway
	case errors.Is(err, workflows.ErrUnclear), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, context.Canceled):
		return codeUnclear
	case errors.Is(err, workflows.ErrStaleFacts):
		return codeStale
	case errors.Is(err, workflows.ErrConflict):
		return codeConflict
	case errors.Is(err, workflows.ErrNoWorkflow):
		return codeNoWorkflow
	case errors.Is(err, workflows.ErrDoubted):
		return codeDoubted
	case errors.Is(err, workflows.ErrUnknownEvent):
		return codeNewer
	}
	return codeInternal
}

// coded is an error that is nothing but one of the codes.
type coded string

func (c coded) Error() string { return string(c) }

// sentence turns an error into what the person reads, in mrkdwn. It is the only place that does.
// ref goes into the log, too.
func (b *Bot) sentence(kind string, err error, ref string) (code, text string) {
	code = codeOf(err)
	if r, ok := errors.AsType[*workflows.Refusal](err); ok {
		return code, r.Text
	}
	s, ok := sayings[code]
	switch kind {
	case kindSubmit:
		if f, has := formSayings[code]; has {
			s = f
		}
	case kindSlash:
		if f, has := commandSayings[code]; has {
			s = f
		}
	}
	if !ok {
		s = sayings[codeInternal]
	}
	text = s.what + " " + s.next
	if withRef[code] {
		text += " (ref " + ref + ")"
	}
	return code, b.fill(text)
}

// newRef makes a short reference that brings a person's report and the log together.
func newRef() string {
	var raw [2]byte
	_, _ = rand.Read(raw[:]) // crypto/rand never fails
	return hex.EncodeToString(raw[:])
}
