package serve

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/keyholder/keyholder/bot"
	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/chain"
	"github.com/keyholder/keyholder/workflows/loops"
	"github.com/keyholder/keyholder/workflows/review"
	"github.com/keyholder/keyholder/workflows/review/evidence"
)

// Collect reads the evidence of a review: the campaign, its packets, and the chains of both and of
// the requests for access that its remedies name. Every chain is recomputed, and the states are
// folded from its events: what somebody wrote over a stored state is not believed. Only where an
// event was erased the stored state has to do. Version, Made and MadeBy are left to the caller.
// Errors: [workflows.ErrNoWorkflow] when id is no review; [*chain.BrokenError] when a chain does
// not hold; [workflows.ErrAway].
func Collect(ctx context.Context, st *store.Store, id string) (evidence.Evidence, error) {
	c := collector{st: st, machines: map[string]workflows.Machine{}}
	for _, m := range []workflows.Machine{review.Campaign{}, review.Packet{}} {
		c.machines[m.Name()] = m
	}
	var e evidence.Evidence
	if _, _, ok := workflows.ParseID(id); !ok {
		return e, fmt.Errorf("find the review %.80q: %w", id, workflows.ErrNoWorkflow)
	}
	state, links, err := c.workflow(ctx, id)
	if err != nil {
		return e, err
	}
	campaign, ok := state.(review.CampaignState)
	if !ok {
		return e, fmt.Errorf("find the review %s: it is no review: %w", id, workflows.ErrNoWorkflow)
	}
	e.Campaign, e.Chains = campaign, append(e.Chains, links)
	for _, part := range campaign.Parts {
		state, links, err := c.workflow(ctx, part.ID)
		if err != nil {
			return e, err
		}
		if packet, ok := state.(review.PacketState); ok { // one that is not open yet is missing, and the files say so
			e.Packets, e.Chains = append(e.Packets, packet), append(e.Chains, links)
		}
	}
	for _, access := range named(e.Packets) {
		links, _, err := c.chain(ctx, access)
		if err != nil {
			return e, err
		}
		if len(links.Links) > 0 {
			e.Chains = append(e.Chains, links)
		}
	}
	return e, e.Unpack()
}

// named lists the requests for access that remedies name, each once.
func named(packets []review.PacketState) []string {
	var ids []string
	for _, p := range packets {
		for _, f := range p.Fixes {
			if _, _, ok := workflows.ParseID(f.Access); ok {
				ids = append(ids, f.Access)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// collector reads records whose chains hold.
type collector struct {
	st       *store.Store
	machines map[string]workflows.Machine
}

// chain reads a workflow's record and its chain up to the record's version, and recomputes it.
func (c collector) chain(ctx context.Context, id string) (chain.Chain, workflows.Record, error) {
	ref := workflows.Ref{Kind: workflows.KindWorkflow, ID: id}
	out := chain.Chain{Ref: ref}
	recs, err := c.st.Load(ctx, ref)
	if err != nil {
		return out, workflows.Record{}, fmt.Errorf("load %s: %w", id, err)
	}
	rec := recs[0]
	if rec.Version == 0 {
		return out, rec, nil
	}
	links, err := c.st.Links(ctx, ref, rec.Version)
	if err != nil {
		return out, rec, fmt.Errorf("read the chain of %s: %w", id, err)
	}
	if err := store.CheckLinks(rec, links); err != nil {
		return out, rec, fmt.Errorf("recompute the chain: %w", err)
	}
	out.Links = links
	return out, rec, nil
}

// workflow answers a workflow's state as its chain tells it; nil for one of another machine or none.
func (c collector) workflow(ctx context.Context, id string) (workflows.State, chain.Chain, error) {
	links, rec, err := c.chain(ctx, id)
	if err != nil || rec.Version == 0 {
		return nil, links, err
	}
	m := c.machines[rec.Machine]
	if m == nil {
		return nil, links, nil
	}
	if links.Erased() > 0 {
		state, err := m.Decode(rec.State)
		if err != nil {
			return nil, links, fmt.Errorf("read the state of %s: %w", id, err)
		}
		return state, links, nil
	}
	events := make([]workflows.Event, len(links.Links))
	for i, l := range links.Links {
		if events[i], err = store.EventOf(l); err != nil {
			return nil, links, fmt.Errorf("read %s: %w", id, err)
		}
	}
	state, err := workflows.Fold(m, events)
	if err != nil {
		return nil, links, fmt.Errorf("fold %s: %w", id, err)
	}
	return state, links, nil
}

// Zip packs files below a folder, in the order of their names. The same files and time give the same bytes.
func Zip(folder string, files map[string][]byte, made time.Time) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f, err := w.CreateHeader(&zip.FileHeader{Name: folder + "/" + name, Method: zip.Deflate,
			Modified: made.UTC().Truncate(time.Second)})
		if err != nil {
			return nil, fmt.Errorf("pack %s: %w", name, err)
		}
		if _, err := f.Write(files[name]); err != nil {
			return nil, fmt.Errorf("pack %s: %w", name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	return b.Bytes(), nil
}

// Record gives a review the hash of files that are about to be handed out: no set of them leaves
// without its hash in the record and in the channel. by is a Slack ID, or empty for the command
// line; operator is who says to be there. Errors as of [loops.Desk.Do]; then nothing may be
// handed out.
func Record(ctx context.Context, desk *loops.Desk, id string, files map[string][]byte, now time.Time, by,
	operator string) (manifest string, err error) {
	manifest = evidence.Sum(files[evidence.FileManifest])
	_, err = desk.Do(ctx, workflows.Command{ID: "export/" + id + "/" + manifest, Workflow: id,
		Name:  review.ExportReview,
		Actor: workflows.Actor{Kind: workflows.ByKeyholder}, At: now, Round: workflows.NoRound, Submitted: true,
		Input: map[string]string{review.BlockManifest: manifest, review.BlockFiles: strconv.Itoa(len(files)),
			review.BlockPerson: by, review.BlockOperator: operator}})
	if err != nil {
		return "", fmt.Errorf("record the hash of the files of %s: %w", id, err)
	}
	return manifest, nil
}

// Evidence makes a review's files for a person, for the bot. Errors as of [Collect] and [Record].
func (s *Server) Evidence(ctx context.Context, id, person string) (bot.Archive, error) {
	e, err := Collect(ctx, s.store, id)
	if err != nil {
		return bot.Archive{}, err
	}
	e.Version, e.Made, e.MadeBy = s.o.Version, s.o.Now().UTC(), s.named(person)+", in Slack"
	files, err := evidence.Files(e)
	if err != nil {
		return bot.Archive{}, fmt.Errorf("make the files of %s: %w", id, err)
	}
	zip, err := Zip(id, files, e.Made)
	if err != nil {
		return bot.Archive{}, err
	}
	manifest, err := Record(ctx, s.desk, id, files, s.o.Now(), person, "")
	return bot.Archive{Name: id + ".zip", Zip: zip, Manifest: manifest}, err
}

// named is a person by name and ID, as evidence names people.
func (s *Server) named(person string) string {
	if name := s.people.Name(person); name != "" && name != person {
		return name + " (" + person + ")"
	}
	return person
}
