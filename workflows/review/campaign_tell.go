package review

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review/population"
)

// tellCampaignEvent retells an event of a campaign.
func tellCampaignEvent(e workflows.Event) string { return workflows.Retell(campaignTales, e) }

var campaignTales = map[string]workflows.Teller{
	evStarted: workflows.Tells(func(e workflows.Event, b population.Started) string {
		who := "The calendar"
		if e.By.Kind == workflows.ByPerson {
			who = workflows.Mention(e.By.ID)
		}
		return who + " opened the review of " + workflows.Esc(b.AccountName) + " for " + b.Period + "."
	}),
	evPopulation: workflows.Tells(func(_ workflows.Event, b PopulationChunk) string {
		if b.Of == 1 {
			return "The list of users of " + workflows.Esc(or(b.Environment, workflows.Production)) + " was frozen."
		}
		return fmt.Sprintf("The list of users of %s was frozen, piece %d of %d.",
			workflows.Esc(or(b.Environment, workflows.Production)), b.N, b.Of)
	}),
	evTokens: workflows.Tells(func(_ workflows.Event, b TokensChunk) string { return b.tell() }),
	evPage: workflows.Tells(func(_ workflows.Event, b RawPage) string {
		return fmt.Sprintf("Answer %d of integrator.io for %s was kept as it came.", b.N,
			workflows.Esc(or(b.Environment, workflows.Production)))
	}),
	evFile: workflows.Tells(func(_ workflows.Event, b RawFile) string {
		return "A file was given, " + workflows.Quote(or(b.Name, "without a name")) + ", SHA-256 " +
			workflows.Clip(b.SHA256, 13) + "."
	}),
	evRead: workflows.Tells(func(_ workflows.Event, b wasRead) string {
		return fmt.Sprintf("The list of %s has %s (%s, taken %s), SHA-256 %s.",
			workflows.Esc(or(b.Environment, workflows.Production)), workflows.Plural(b.Count, "user"), b.Source,
			workflows.When(b.At), workflows.Clip(b.SHA256, 13))
	}),
	evCounted: workflows.Tells(func(e workflows.Event, b counted) string {
		return workflows.Mention(e.By.ID) + " confirmed that the Users page of " +
			workflows.Esc(or(b.Environment, workflows.Production)) + " shows " + workflows.Plural(b.Count, "user") + "."
	}),
	evUnread: workflows.Tells(func(_ workflows.Event, b unread) string {
		switch {
		case b.Excluded:
			return workflows.Esc(b.Environment) + " is not in this review: " + b.Why + "."
		case b.Environment == "":
			return "The users could not be read: " + b.Why + "."
		}
		return "The users of " + workflows.Esc(b.Environment) + " could not be read: " + b.Why + "."
	}),
	evReread: workflows.Tells(func(e workflows.Event, b rereading) string {
		names := make([]string, len(b.Environments))
		for i, env := range b.Environments {
			names[i] = workflows.Esc(or(env, workflows.Production))
		}
		text := "The users of " + workflows.List(names, "and") + " are read again"
		if e.By.Kind == workflows.ByPerson {
			text += ", as " + workflows.Mention(e.By.ID) + " asked"
		}
		return text + "."
	}),
	evPlannedLate: workflows.Tells(func(_ workflows.Event, b planning) string {
		text := workflows.Plural(b.Rows, "row") + " that could be read only now went to reviewers in " +
			workflows.Plural(len(b.Parts), "more part") + "."
		for _, more := range append(slices.Clone(b.Exceptions), b.Notes...) {
			text += " " + more
		}
		return text
	}),
	evPlanned: workflows.Tells(func(_ workflows.Event, b planning) string {
		text := workflows.Plural(b.Rows, "row") + " went to reviewers in " + workflows.Plural(len(b.Parts), "part") +
			"."
		for _, more := range append(slices.Clone(b.Exceptions), b.Notes...) {
			text += " " + more
		}
		return text
	}),
	evPart: workflows.Tells(func(_ workflows.Event, b Part) string {
		switch {
		case b.Ended:
			return "Nothing is left to carry out in part " + b.ID + "."
		case b.Closed:
			return "Part " + b.ID + ":" + or(b.Counts.fixedText(), " its decisions are final.")
		case b.Signed != nil:
			return workflows.Mention(b.Signed.By) + " signed off part " + b.ID + "."
		}
		return "Part " + b.ID + " is with " + workflows.Mention(b.Reviewer) + "."
	}),
	evClosing:   workflows.TellsAlways("Deciding has ended: every part is signed off, or the time was over."),
	evAllClosed: workflows.TellsAlways("All decisions are final."),
	evMailSystem: workflows.Tells(func(e workflows.Event, b mailSystem) string {
		if b.Attested != "" {
			return workflows.Mention(b.Attested) + " says that exactly the holders can open " + workflows.Esc(b.Email) +
				"."
		}
		text := workflows.Mention(b.By) + " gave the mail system's list of " + workflows.Esc(b.Email) + ": " +
			workflows.Plural(len(b.Delegates), "delegate") + "."
		if len(b.Differences) > 0 {
			return text + " Differences: " + strings.Join(b.Differences, "; ") + "."
		}
		return text + " It agrees with the holders."
	}),
	evCheckedNew: workflows.Tells(func(_ workflows.Event, b wasRead) string {
		return workflows.Mention(b.Uploader) + " gave a fresh list of " +
			workflows.Esc(or(b.Environment, workflows.Production)) + ", " + workflows.Plural(b.Count, "user") +
			", taken " + workflows.When(b.At) + ", to verify what was done."
	}),
	evExported: workflows.Tells(func(_ workflows.Event, b Export) string { return b.tell() }),
	evAllDone:  workflows.TellsAlways("Nothing is left to carry out. The review is over."),
	evCalledOff: workflows.Tells(func(_ workflows.Event, b slow) string {
		return "The review could not be held. " + b.Why
	}),
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
