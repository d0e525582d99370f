package bot

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/keyholder/keyholder/bot/draw"
	"github.com/keyholder/keyholder/workflows"
)

// maxListed is how many open things an answer lists.
const maxListed = 20

// list shows open workflows, one a line, with a link to the person's own card and who is waited for.
func (b *Bot) list(ctx context.Context, open []workflows.Overview, person string) []string {
	shown := open[:min(len(open), maxListed)]
	lines := make([]string, len(shown))
	var all sync.WaitGroup
	for i, o := range shown {
		all.Go(func() {
			link := b.linkTo(ctx, o.ID, person)
			lines[i] = overview(o, link)
			if link == "" && slices.Contains(o.Waiting, person) {
				lines[i] += b.fill("; `{command} mine " + o.ID + "` shows you its card")
			}
		})
	}
	all.Wait()
	if more := len(open) - len(shown); more > 0 {
		lines = append(lines, fmt.Sprintf("… and %d more.", more))
	}
	return lines
}

func overview(o workflows.Overview, link string) string {
	title := workflows.Esc(cmp.Or(o.Title, o.ID))
	if link != "" {
		title = "<" + link + "|" + strings.NewReplacer("|", "/").Replace(title) + ">"
	}
	text := "… " + title + " (`" + o.ID + "`), " + inWords(o) + ", asked " + workflows.When(o.Opened)
	if len(o.Waiting) > 0 {
		text += "; waits for " + people(o.Waiting)
	}
	return text
}

// wordMine lists what waits for whoever asks; with an ID it brings the card of one such thing to
// somebody who is asked quietly, by their saying that they look at it.
func (v *visit) wordMine(ctx context.Context, rest string) (workflows.Reply, error) {
	waiting, err := v.b.o.Desk.WaitingFor(ctx, v.who.user)
	if err != nil {
		return workflows.Reply{}, err
	}
	if rest != "" {
		return v.bring(ctx, waiting, strings.Trim(rest, "`* "))
	}
	if len(waiting) == 0 {
		return say("Nothing waits for you. You will get a message when something does."), nil
	}
	lines := append([]string{"*" + workflows.Plural(len(waiting), "thing") + " waiting for you*"},
		v.b.list(ctx, waiting, v.who.user)...)
	v.cards = v.b.ownCards(ctx, waiting, v.who.user, draw.LimitBlocks-1, true)
	return say(strings.Join(lines, "\n")), nil
}

// bring shows somebody their card of an open question where it is not among their messages, or has it
// sent to whoever is asked quietly.
func (v *visit) bring(ctx context.Context, waiting []workflows.Overview, id string) (workflows.Reply, error) {
	i := slices.IndexFunc(waiting, func(o workflows.Overview) bool { return strings.EqualFold(o.ID, id) })
	if i < 0 {
		return say(v.b.fill(
			"Nothing of that ID waits for you. Nothing was recorded. `{command} mine` lists what does.")), nil
	}
	o := waiting[i]
	if l := v.b.linkTo(ctx, o.ID, v.who.user); l != "" {
		return workflows.Reply{Text: "You have its card already.", Link: o.ID}, nil
	}
	if v.cards = v.b.ownCard(ctx, o.ID, v.who.user, 1); len(v.cards) > 0 {
		return say("This is your card as it stands. Slack has not taken it as a message so far; that is tried again by itself."), nil
	}
	reply, err := v.b.o.Desk.Do(ctx, workflows.Command{
		ID:   strings.Join([]string{"slash", v.who.team, v.who.user, cmp.Or(v.who.trigger, v.ack.envelope)}, "/"),
		Name: o.Machine + ".look", Workflow: o.ID, Actor: v.who.actor(), At: v.b.at(), Round: workflows.NoRound,
	})
	if err == nil && reply.Text == "" {
		reply.Text = "Its card is on its way to you. The others see that you are looking at it."
	}
	return reply, err
}

var (
	mentionArg = regexp.MustCompile(`^<@([UW][A-Z0-9]+)(?:\|[^>]*)?>$`)
	dateArg    = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)
	lengthArg  = regexp.MustCompile(`^(?:(\d{1,4})d)?((?:\d{1,5}[hms])*)$`)
)

// wordDelegate records who may decide in the person's place: "@person", "@person 3d", "@person 2026-12-24", or "off".
func (v *visit) wordDelegate(ctx context.Context, rest string) (workflows.Reply, error) {
	args := strings.Fields(rest)
	cmd := workflows.Command{ID: strings.Join([]string{"slash", v.who.team, v.who.user,
		cmp.Or(v.who.trigger, v.ack.envelope)}, "/"),
		Name: "delegate", Actor: v.who.actor(), At: v.b.at(), Round: workflows.NoRound}
	usage := v.b.fill("Name the person and, if you like, until when: `{command} delegate @person 3d`. Nothing was recorded.")
	switch {
	case len(args) == 0:
		return say(usage), nil
	case strings.EqualFold(args[0], "off"):
		return v.b.o.Desk.Delegate(ctx, cmd, "", time.Time{})
	case len(args) > 2:
		return say(usage), nil
	}
	who := mentionArg.FindStringSubmatch(args[0])
	if who == nil {
		return say(v.b.fill(
			"Pick the person from the list that Slack shows after you type @, so that it is certain who is meant. Nothing was recorded. For example `{command} delegate @person 3d`.")), nil
	}
	var until time.Time
	if len(args) == 2 {
		var ok bool
		if until, ok = v.until(ctx, args[1]); !ok {
			return say("“" + workflows.Esc(workflows.Clip(args[1], 40)) +
				"” is neither a date nor a length. Nothing was recorded. Give a date as 2026-12-24, or a length as 3d or 12h."), nil
		}
	}
	reply, err := v.b.o.Desk.Delegate(ctx, cmd, who[1], until)
	reply.Text = v.b.fill(reply.Text)
	return reply, err
}

// until reads a date, which means the end of that day where the person lives, or a length from now.
func (v *visit) until(ctx context.Context, s string) (time.Time, bool) {
	s = strings.ToLower(s)
	if dateArg.MatchString(s) {
		zone := time.UTC
		if p, err := v.person(ctx); err == nil && p.TimeZone != "" {
			if z, err := time.LoadLocation(p.TimeZone); err == nil {
				zone = z
			}
		}
		day, err := time.ParseInLocation("2006-01-02", s, zone)
		return day.AddDate(0, 0, 1), err == nil
	}
	m := lengthArg.FindStringSubmatch(s)
	if m == nil || s == "" {
		return time.Time{}, false
	}
	var d time.Duration
	if m[1] != "" {
		days, err := time.ParseDuration(m[1] + "h")
		if err != nil {
			return time.Time{}, false
		}
		d = 24 * days
	}
	if m[2] != "" {
		rest, err := time.ParseDuration(m[2])
		if err != nil {
			return time.Time{}, false
		}
		d += rest
	}
	return v.b.at().Add(d), d > 0
}
