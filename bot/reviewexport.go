package bot

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"runtime/debug"
	"time"

	"github.com/slack-go/slack"

	"github.com/keyholder/keyholder/bot/slackapi"
	"github.com/keyholder/keyholder/workflows"
)

// Limits of sending files.
const (
	// exportTimeout bounds making the files of a review and sending them.
	exportTimeout = 2 * time.Minute
	// exportsAtOnce bounds the memory that files being made and sent take.
	exportsAtOnce = 2
)

// exportReview begins to send a review's files to whoever asks. It goes to their direct message,
// for a channel has other readers.
func (v *visit) exportReview(ctx context.Context, account, id string) (workflows.Reply, error) {
	if err := v.mayExport(ctx, account); err != nil {
		return workflows.Reply{}, err
	}
	if v.b.o.Evidence == nil {
		return say("Files of a review are not to be had in Slack in this installation. Ask whoever operates Keyholder for `keyholder review export " + id + "`."), nil
	}
	v.after = func(ctx context.Context) { v.sendEvidence(ctx, id) }
	return say("The files of `" + id +
		"` are being put together. They come as a direct message in a minute; if not, you are told why."), nil
}

// mayExport refuses who may not read an account's record, before anything is said about what there is to export.
func (v *visit) mayExport(ctx context.Context, account string) error {
	me, err := v.person(ctx)
	if err != nil {
		return err
	}
	if !v.b.o.Desk.MayRead(ctx, me, account) {
		return workflows.Refuse("not_reader",
			"The record of that account can be read by its holders, approvers, administrators, auditors and owner. You are none of them. Ask one of them.")
	}
	return nil
}

// later does what a command left for after its answer. The end of Run ends it.
func (v *visit) later(ctx context.Context) {
	if v.after == nil {
		return
	}
	v.b.wg.Go(func() {
		defer func() {
			if p := recover(); p != nil {
				v.b.log.Error().Interface(fieldPanic, p).Bytes("stack",
					debug.Stack()).Msg("what follows a command failed")
			}
		}()
		v.after(ctx)
	})
}

// sendEvidence makes the files of a review and sends them, or tells why that did not work.
func (v *visit) sendEvidence(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(ctx, exportTimeout)
	defer cancel()
	b := v.b
	select {
	case b.exports <- struct{}{}:
		defer func() { <-b.exports }()
	case <-ctx.Done():
		v.tell(ctx, notExported(id), "")
		return
	}
	files, err := b.o.Evidence(ctx, id, v.who.user)
	if err == nil && len(files.Zip) == 0 {
		err = errors.New("make the files: they are empty")
	}
	if err != nil {
		b.log.Warn().Str(fieldCause, slackapi.Clean(err)).Str(fieldWorkflow,
			id).Msg("the files of a review were not made")
		_, text, link := v.explain(err)
		if _, refused := errors.AsType[*workflows.Refusal](err); !refused {
			text = notExported(id)
		}
		v.tell(ctx, text, link)
		return
	}
	if _, err := b.sendFile(ctx, v.who.user, path.Base(cmp.Or(files.Name, id+".zip")), files.Zip,
		"The files of the review `"+
			id+"`. The SHA-256 of manifest.json is `"+files.Manifest+
			"`; it stands in the record and in the channel of the account, too. To check all of it: `python3 verify.txt "+
			files.Manifest+"` in the unpacked folder."); err != nil {
		b.log.Warn().Str(fieldCause, slackapi.Clean(err)).Str(fieldWorkflow,
			id).Msg("the files of a review were not sent")
		text := notExported(id)
		if slackapi.Code(err) == "missing_scope" {
			text = "Slack did not take the files of `" + id +
				"`: Keyholder's app lacks the scope files:write. Ask whoever operates Keyholder to add it and reinstall the app, or for `keyholder review export " + id + "`."
		}
		v.tell(ctx, text, "")
	}
}

func notExported(id string) string {
	return "The files of `" + id +
		"` could not be made or sent. Nothing is lost: try again in a minute, or ask whoever operates Keyholder for `keyholder review export " + id + "`."
}

// sendFile puts a file into a person's direct message, and answers its ID. Source: files.getUploadURLExternal,
// files.completeUploadExternal.
func (b *Bot) sendFile(ctx context.Context, user, name string, content []byte, comment string) (string, error) {
	dm, err := slackapi.RetryLimited(ctx, func(ctx context.Context) (string, error) {
		return b.directMessage(ctx, user)
	})
	if err != nil {
		return "", err
	}
	to, err := slackapi.RetryLimited(ctx, func(ctx context.Context) (*slack.GetUploadURLExternalResponse, error) {
		return b.api.GetUploadURLExternalContext(ctx, slack.GetUploadURLExternalParameters{FileName: name,
			FileSize: len(content)})
	})
	if err != nil {
		return "", fmt.Errorf("ask where a file goes: %w", err)
	}
	if !b.api.Follows(to.UploadURL) {
		return "", errors.New("send a file: the address that came for it is not Slack's")
	}
	_, err = slackapi.RetryLimited(ctx, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, b.api.UploadToURL(ctx, slack.UploadToURLParameters{UploadURL: to.UploadURL, Filename: name,
			Reader: bytes.NewReader(content)})
	})
	if err != nil {
		return "", fmt.Errorf("send a file: %w", err)
	}
	_, err = slackapi.RetryLimited(ctx, func(ctx context.Context) (*slack.CompleteUploadExternalResponse, error) {
		return b.api.CompleteUploadExternalContext(ctx, slack.CompleteUploadExternalParameters{
			Files: []slack.FileSummary{{ID: to.FileID, Title: name}}, Channel: dm, InitialComment: comment})
	})
	if err != nil {
		return "", fmt.Errorf("show a file: %w", err)
	}
	return to.FileID, nil
}
