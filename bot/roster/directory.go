package roster

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"github.com/keyholder/keyholder/bot/slackapi"
)

// Listed is a full, active member of the workspace.
type Listed struct {
	ID string
	// Name is the full one, Handle the one that Slack shows in messages, Email is empty without users:read.email.
	Name, Handle, Email string
}

// Directory lists those who could act in Keyholder, by name. It reads the whole workspace, so it is for an operator's
// question and not for decisions.
func Directory(ctx context.Context, api *slackapi.Client) ([]Listed, error) {
	me, err := api.Identity(ctx)
	if err != nil {
		return nil, err
	}
	users, err := api.GetUsersContext(ctx, slack.GetUsersOptionLimit(200))
	if err != nil {
		return nil, fmt.Errorf("list the members: %s", slackapi.Clean(err))
	}
	var all []Listed
	for _, u := range users {
		if u.ID != "USLACKBOT" && standing(u, me) == "" {
			all = append(all, Listed{ID: u.ID, Name: cmp.Or(strings.TrimSpace(u.Profile.RealName), name(u)),
				Handle: cmp.Or(strings.TrimSpace(u.Profile.DisplayName), u.Name), Email: u.Profile.Email})
		}
	}
	slices.SortFunc(all, func(a, b Listed) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}
