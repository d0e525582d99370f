package review

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// Whoever can write to the database could make a whole review anew, chains and files. So each set
// of files that leaves Keyholder leaves its hash behind first: as an event of the review, and in
// the account's channel, where Redis is not what decides.

// ExportReview tells a campaign that its files were made and are about to be handed out. It is
// Keyholder's own command. Input: manifest (SHA-256 of manifest.json), files (decimal), and whoever
// asked: person (a Slack ID) or operator (a name, or empty, on the command line). It is taken
// whatever the stage, the last included.
const ExportReview = "campaign.exported"

// Blocks of [ExportReview].
const (
	BlockManifest = "manifest"
	BlockFiles    = "files"
	BlockOperator = "operator"
)

// evExported is a set of files.
const evExported = "campaign.exported"

// Export is one set of files that was made of a review.
type Export struct {
	N        int       `json:"n"`        // from 1
	Manifest string    `json:"manifest"` // SHA-256 of manifest.json, lower-case hexadecimal
	Files    int       `json:"files"`
	Person   string    `json:"person,omitempty"`   // a Slack ID; empty: the command line
	Operator string    `json:"operator,omitempty"` // who says to be at the command line
	At       time.Time `json:"at"`
	Stage    string    `json:"stage"` // of the review, then
}

// exportsShown bounds the messages about exports that are kept as they are: older ones stay in
// Slack and in the record, and are drawn no more.
const exportsShown = 10

// exported records a set of files.
func (s CampaignState) exported(cmd workflows.Command) (workflows.Decision, error) {
	sum := cmd.Input[BlockManifest]
	if raw, err := hex.DecodeString(sum); err != nil || len(raw) != 32 {
		return workflows.Decision{}, fmt.Errorf("record an export: %.80q is no SHA-256", sum)
	}
	files, err := strconv.Atoi(cmd.Input[BlockFiles])
	if err != nil {
		return workflows.Decision{}, fmt.Errorf("record an export: count its files: %w", err)
	}
	x := Export{N: s.ExportCount + 1, Manifest: sum, Files: files, Person: cmd.Input[BlockPerson],
		Operator: workflows.Clip(cmd.Input[BlockOperator], 200), At: cmd.At, Stage: s.Phase}
	return workflows.Decision{Events: []workflows.Event{cmd.Event(evExported, x)}}, nil
}

// keepExport folds an export.
func (s *CampaignState) keepExport(x Export) {
	s.ExportCount = x.N
	s.Exports = append(s.Exports[max(0, len(s.Exports)+1-exportsShown):len(s.Exports):len(s.Exports)], x)
}

// who names whoever asked for the files.
func (x Export) who() string {
	switch {
	case x.Person != "":
		return workflows.Mention(x.Person)
	case x.Operator != "":
		return workflows.Quote(x.Operator) + ", on the command line,"
	}
	return "Somebody on the command line"
}

// tell is the export in the story.
func (x Export) tell() string {
	return x.who() + " had " + workflows.Plural(x.Files, "file") +
		" of this review made; manifest.json has the SHA-256 `" + x.Manifest + "`."
}

// exportCards are messages to the channel, one for each export, which are never changed.
func (s CampaignState) exportCards() []workflows.Card {
	if s.Channel == "" {
		return nil
	}
	under := ""
	if s.noticed() {
		under = cardNotice
	}
	var out []workflows.Card
	for _, x := range s.Exports {
		c := workflows.Card{Name: fmt.Sprintf("export-%d", x.N), Recipient: s.Channel, Bulk: true,
			Under: under, Title: "Files of the review of " + workflows.Esc(s.AccountName) + ", " + s.Period,
			Lines: []string{
				x.who() + " had " + workflows.Plural(x.Files, "file") + " made, " + workflows.When(x.At) +
					". The SHA-256 of manifest.json:\n`" + x.Manifest + "`",
				"Whoever is given them can compare: in their folder, `python3 verify.txt " + x.Manifest[:12] +
					"…` with the whole hash. Files with another hash are not these.",
			},
			Note: "Review " + s.ID}
		if x.Stage != CampaignCompleted && x.Stage != CampaignCancelled {
			c.Lines = append(c.Lines, "The review was not over then; what changed later stands in a later export.")
		}
		c.Fallback = "Files of the review of " + workflows.Plain(workflows.Esc(s.AccountName), nil) + ", " + s.Period +
			" were made: manifest.json has the SHA-256 " + x.Manifest
		out = append(out, c)
	}
	return out
}
