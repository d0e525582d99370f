package review

import (
	"slices"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review/population"
)

// Types of events of a campaign, with the bodies below.
const (
	evStarted     = "campaign.started"      // started
	evPopulation  = "campaign.population"   // PopulationChunk
	evPage        = "campaign.page"         // RawPage
	evFile        = "campaign.file"         // RawFile; evTokens is in tokens.go
	evRead        = "campaign.read"         // wasRead
	evCounted     = "campaign.counted"      // counted: a second person confirmed the number of rows
	evUnread      = "campaign.unread"       // unread
	evReread      = "campaign.reread"       // rereading
	evPlanned     = "campaign.planned"      // planning
	evPlannedLate = "campaign.planned_late" // planning: the parts of what was read when reviewers had begun
	evPart        = "campaign.part"         // Part
	evClosing     = "campaign.closing"      // none
	evAllClosed   = "campaign.closed"       // none: all decisions are final
	evMailSystem  = "campaign.delegates"    // Mailbox with the file
	evCheckedNew  = "campaign.fresh_list"   // wasRead: a list given after the close, to verify what was done
	evAllDone     = "campaign.completed"    // none
	evCalledOff   = "campaign.cancelled"    // slow: why
)

// started is the opening event's body: what is frozen, and how those concerned are called.
type started struct {
	population.Started
	known
}

// otherWithin is how long an environment besides production is tried before it counts as not read.
const otherWithin = time.Hour

// PopulationChunk is a piece of the frozen list of an environment: the texts of all pieces make
// frozen/<environment>.csv.
type PopulationChunk struct {
	Environment string `json:"environment"`
	N           int    `json:"n"`
	Of          int    `json:"of"`
	CSV         string `json:"csv"`
}

// RawPage is one answer of integrator.io, packed.
type RawPage struct {
	Environment string `json:"environment"`
	N           int    `json:"n"`
	Gzip        []byte `json:"gzip"`
}

// RawFile is a file that somebody gave, packed.
type RawFile struct {
	Environment string `json:"environment"`
	Name        string `json:"name"`
	SHA256      string `json:"sha256"`
	Gzip        []byte `json:"gzip"`
}

// wasRead is an environment that was read. Rows are there only when others are still waited for.
type wasRead struct {
	Reading
	Rows []population.Row `json:"rows,omitempty"`
}

type counted struct {
	known
	Environment string `json:"environment,omitempty"`
	Count       int    `json:"count"`
}

type slow struct {
	Why string `json:"why"`
}

// planning is who reviews what.
type planning struct {
	Parts      []Part   `json:"parts"`
	Rows       int      `json:"rows"`
	Exceptions []string `json:"exceptions,omitempty"`
	Notes      []string `json:"notes,omitempty"`
}

// mailSystem is what was given about a mailbox: a list of its delegates, or somebody's word.
type mailSystem struct {
	Mailbox
	known
	File   string `json:"file,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	Gzip   []byte `json:"gzip,omitempty"`
}

// campaignFolds apply each kind of event; none of them decides anything.
var campaignFolds = map[string]func(*CampaignState, workflows.Event) error{
	evStarted: with(func(s *CampaignState, e workflows.Event, b started) {
		// whatever was called off before is over
		*s = CampaignState{Started: b.Started, Phase: CampaignGathering, Begun: e.At, Round: s.Round + 1,
			Names:   b.Names,
			Exports: s.Exports, ExportCount: s.ExportCount}
		for _, env := range b.Environs {
			r := Reading{Environment: env.Name}
			if !env.Token && env.Name != "" {
				r.Excluded = "no token is configured for it"
			}
			s.Readings = append(s.Readings, r)
		}
	}),
	evPopulation: func(*CampaignState, workflows.Event) error { return nil }, // kept in the chain, not in the state
	evTokens:     func(*CampaignState, workflows.Event) error { return nil },
	evPage:       func(*CampaignState, workflows.Event) error { return nil },
	evFile:       func(*CampaignState, workflows.Event) error { return nil },
	evRead: with(func(s *CampaignState, e workflows.Event, b wasRead) {
		if b.Source == SourceCSV {
			s.Edits++
			b.Edit = s.Edits
		}
		s.reading(b.Environment, func(r *Reading) { *r = b.Reading })
		if s.Gathered == nil {
			s.Gathered = map[string][]population.Row{}
		}
		s.Gathered[b.Environment] = b.Rows
		s.Slow = ""
		if b.Source == SourceCSV { // there is something to confirm; what Keyholder reads by itself asks nobody anything
			s.Round++
		}
	}),
	evCounted: with(func(s *CampaignState, e workflows.Event, b counted) {
		s.Edits++
		s.reading(b.Environment, func(r *Reading) { r.ConfirmedBy, r.Confirmed, r.Edit = e.By.ID, e.At, s.Edits })
		s.learn(b.known)
		s.Round++
	}),
	evUnread: with(func(s *CampaignState, e workflows.Event, b unread) {
		s.reading(b.Environment, func(r *Reading) {
			*r = Reading{Environment: b.Environment, Tries: b.Tries, Next: b.Next}
			if b.Excluded {
				r.Excluded = b.Why
			}
		})
		if b.Environment == "" && s.Slow != b.Why { // people are asked for the list, or told another reason
			s.Slow = b.Why
			s.Round++
		}
	}),
	evReread: with(func(s *CampaignState, _ workflows.Event, b rereading) {
		for _, env := range b.Environments {
			s.reading(env, func(r *Reading) { r.Next = time.Time{} })
		}
	}),
	evPlannedLate: with(func(s *CampaignState, _ workflows.Event, b planning) {
		s.Parts, s.Rows = append(s.Parts, b.Parts...), s.Rows+b.Rows
		s.Exceptions, s.Notes = append(slices.Clip(s.Exceptions), b.Exceptions...),
			append(slices.Clip(s.Notes), b.Notes...)
		s.Gathered = nil
		s.Round++
	}),
	evPlanned: with(func(s *CampaignState, e workflows.Event, b planning) {
		s.Phase, s.PlannedAt, s.Parts, s.Rows, s.Exceptions, s.Notes = CampaignOpen, e.At, b.Parts, b.Rows,
			b.Exceptions, b.Notes
		s.Due, s.Closes = e.At.Add(s.Policy.Window), e.At.Add(s.Policy.Window+s.Policy.Grace)
		s.Gathered = nil
		s.Round++
	}),
	evPart: with(func(s *CampaignState, e workflows.Event, b Part) {
		for i := range s.Parts {
			if s.Parts[i].ID == b.ID {
				s.Parts[i] = b
			}
		}
	}),
	evClosing:   with(func(s *CampaignState, e workflows.Event, _ none) { s.Phase = CampaignClosing }),
	evAllClosed: with(func(s *CampaignState, e workflows.Event, _ none) { s.Phase, s.ClosedAt = CampaignFixing, e.At }),
	evMailSystem: with(func(s *CampaignState, e workflows.Event, b mailSystem) {
		if s.Mailboxes == nil {
			s.Mailboxes = map[string]Mailbox{}
		}
		s.Edits++
		b.Edit = s.Edits
		s.Mailboxes[b.Email] = b.Mailbox
		s.learn(b.known)
	}),
	evCheckedNew: with(func(s *CampaignState, e workflows.Event, b wasRead) { s.Fresh = append(s.Fresh, b.Reading) }),
	evExported:   with(func(s *CampaignState, _ workflows.Event, b Export) { s.keepExport(b) }),
	evAllDone: with(func(s *CampaignState, e workflows.Event, _ none) {
		s.Phase, s.Ended = CampaignCompleted, e.At
	}),
	evCalledOff: with(func(s *CampaignState, e workflows.Event, b slow) {
		s.Phase, s.Ended, s.Why, s.Gathered = CampaignCancelled, e.At, b.Why, nil
	}),
}

// reading changes what is known of one environment.
func (s *CampaignState) reading(environment string, change func(*Reading)) {
	for i := range s.Readings {
		if s.Readings[i].Environment == environment {
			change(&s.Readings[i])
		}
	}
}

func (s *CampaignState) learn(k known) {
	for id, name := range k.Names {
		if s.Names == nil {
			s.Names = map[string]string{}
		}
		s.Names[id] = name
	}
}
