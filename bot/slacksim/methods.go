package slacksim

// methods is the Web API, with what each method needs (docs.slack.dev/reference/methods; tiers of
// section "Rate limits"). It is filled in init because handlers look methods up.
var methods map[string]method

func init() {
	write := []string{"chat:write"}
	read := []string{"channels:read", "groups:read", "im:read", "mpim:read"}
	history := []string{"channels:history", "groups:history", "im:history", "mpim:history"}
	open := []string{"im:write", "mpim:write", "channels:manage", "groups:write"}
	methods = map[string]method{
		"api.test":              {handle: apiTest, tier: tier4},
		"auth.test":             {handle: authTest, tier: special},
		"apps.connections.open": {handle: openConnection, tier: tier3, app: true},
		"blocks.validate":       {handle: validateBlocks, tier: tier3},
		"chat.postMessage":      {handle: postMessage, required: "channel", scopes: write, tier: special},
		"chat.update":           {handle: updateMessage, required: "channel ts", scopes: write, tier: tier3},
		"chat.delete":           {handle: deleteMessage, required: "channel ts", scopes: write, tier: tier3},
		"chat.postEphemeral":    {handle: postEphemeral, required: "channel user", scopes: write, tier: tier4},
		"chat.getPermalink":     {handle: getPermalink, required: "channel message_ts", tier: special},
		"chat.scheduleMessage": {handle: scheduleMessage, required: "channel post_at", scopes: write,
			tier: tier3},
		"chat.deleteScheduledMessage": {handle: deleteScheduled, required: "channel scheduled_message_id",
			scopes: write, tier: tier3},
		"chat.scheduledMessages.list": {handle: listScheduled, tier: tier3},
		"conversations.open":          {handle: openConversation, scopes: open, tier: tier3},
		"conversations.info":          {handle: conversationInfo, required: "channel", scopes: read, tier: tier3},
		"conversations.members":       {handle: conversationMembers, required: "channel", scopes: read, tier: tier4},
		"conversations.list":          {handle: listConversations, scopes: read, tier: tier2},
		"conversations.history": {handle: conversationHistory, required: "channel", scopes: history,
			tier: tier3},
		"conversations.replies": {handle: conversationReplies, required: "channel ts", scopes: history,
			tier: tier3},
		"users.info": {handle: userInfo, required: "user", scopes: []string{"users:read"},
			tier: tier4},
		"users.profile.get": {handle: userProfile, scopes: []string{"users.profile:read"}, tier: tier4},
		"users.list":        {handle: listUsers, scopes: []string{"users:read"}, tier: tier2},
		"users.lookupByEmail": {handle: lookupByEmail, required: "email",
			scopes: []string{"users:read.email"}, tier: tier3},
		"usergroups.list": {handle: listGroups, scopes: []string{"usergroups:read"}, tier: tier2},
		"usergroups.users.list": {handle: groupUsers, required: "usergroup",
			scopes: []string{"usergroups:read"}, tier: tier2},
		"views.open":    {handle: openView, required: "view", tier: tier4},
		"views.push":    {handle: pushView, required: "view", tier: tier4},
		"views.update":  {handle: updateView, required: "view", tier: tier4},
		"views.publish": {handle: publishView, required: "user_id view", tier: tier4},
		"files.getUploadURLExternal": {handle: uploadURL, required: "length filename",
			scopes: []string{"files:write"}, tier: tier4},
		"files.completeUploadExternal": {handle: completeUpload, required: "files", scopes: []string{"files:write"},
			tier: tier4},
		"files.info": {handle: fileInfo, required: "file", scopes: []string{"files:read"},
			tier: tier4},
		"canvases.create": {handle: createCanvas, scopes: []string{"canvases:write"}, tier: tier2},
		"canvases.edit": {handle: editCanvas, required: "canvas_id changes",
			scopes: []string{"canvases:write"}, tier: tier3},
		"canvases.delete": {handle: deleteCanvas, required: "canvas_id",
			scopes: []string{"canvases:write"}, tier: tier3},
		"canvases.access.set": {handle: setCanvasAccess, required: "canvas_id access_level",
			scopes: []string{"canvases:write"}, tier: tier3},
		"conversations.canvases.create": {handle: channelCanvas, required: "channel_id",
			scopes: []string{"canvases:write"}, tier: tier2},
		"reactions.add": {handle: addReaction, required: "channel name timestamp",
			scopes: []string{"reactions:write"}, tier: tier3},
		"reactions.remove": {handle: removeReaction, required: "name", scopes: []string{"reactions:write"},
			tier: tier2},
		"reactions.get": {handle: getReactions, scopes: []string{"reactions:read"}, tier: tier3},
		"pins.add":      {handle: addPin, required: "channel", scopes: []string{"pins:write"}, tier: tier2},
		"pins.remove": {handle: removePin, required: "channel", scopes: []string{"pins:write"},
			tier: tier2},
		"pins.list":    {handle: listPins, required: "channel", scopes: []string{"pins:read"}, tier: tier2},
		"files.upload": {handle: uploadFile, scopes: []string{"files:write"}, tier: tier2},
		"files.list":   {handle: listFiles, scopes: []string{"files:read"}, tier: tier3},
		"files.delete": {handle: deleteFile, required: "file", scopes: []string{"files:write"},
			tier: tier3},
		"users.getPresence":    {handle: presence, scopes: []string{"users:read"}, tier: tier3},
		"users.conversations":  {handle: userConversations, scopes: read, tier: tier3},
		"conversations.create": {handle: createChannel, required: "name", scopes: anyOf(manages), tier: tier2},
		"conversations.join": {handle: joinChannel, required: "channel", scopes: []string{"channels:join"},
			tier: tier3},
		"conversations.invite": {handle: inviteToChannel, required: "channel users", scopes: anyOf(invites),
			tier: tier3},
		"conversations.kick":  {handle: kickFromChannel, required: "channel", scopes: anyOf(manages), tier: tier3},
		"conversations.leave": {handle: leaveChannel, required: "channel", scopes: anyOf(manages), tier: tier3},
		"conversations.rename": {handle: renameChannel, required: "channel name", scopes: anyOf(manages),
			tier: tier2},
		"conversations.archive": {handle: archiveChannel, required: "channel", scopes: anyOf(manages), tier: tier2},
		"conversations.unarchive": {handle: unarchiveChannel, required: "channel", scopes: anyOf(manages),
			tier: tier2},
		"conversations.setTopic": {handle: setTopic, required: "channel topic", scopes: anyOf(topics), tier: tier2},
		"conversations.setPurpose": {handle: setPurpose, required: "channel purpose", scopes: anyOf(topics),
			tier: tier2},
		"team.info": {handle: teamInfo, scopes: []string{"team:read"}, tier: tier3},
		"bots.info": {handle: botInfo, scopes: []string{"users:read"}, tier: tier3},
	}
}

func apiTest(c *call) (obj, *apiError) {
	if e := c.args.str("error"); e != "" {
		return nil, &apiError{e, obj{"args": c.args}}
	}
	return obj{"args": c.args}, nil
}

func authTest(c *call) (obj, *apiError) {
	o := c.s.opt
	return obj{
		"url": "https://" + o.Domain + ".slack.com/", "team": o.TeamName, "user": o.BotName, "team_id": o.TeamID,
		"user_id": o.BotUserID, "bot_id": o.BotID, "is_enterprise_install": false,
	}, nil
}

func teamInfo(c *call) (obj, *apiError) {
	o := c.s.opt
	if t := c.args.str("team"); t != "" && t != o.TeamID {
		return nil, fail("team_not_found")
	}
	icon := c.s.pictures(o.TeamID, 34, 44, 68, 88, 102, 132, 230)
	icon["image_default"] = true
	return obj{"team": obj{"id": o.TeamID, "name": o.TeamName, "domain": o.Domain, "email_domain": "",
		"url": "https://" + o.Domain + ".slack.com/", "icon": icon, "is_verified": false}}, nil
}

func botInfo(c *call) (obj, *apiError) {
	o := c.s.opt
	if b := c.args.str("bot"); b != o.BotID {
		if b == "" {
			return nil, fail("missing_argument")
		}
		return nil, fail("bot_not_found")
	}
	return obj{"bot": obj{"id": o.BotID, "deleted": false, "name": o.BotName, "updated": 0, "app_id": o.AppID,
		"user_id": o.BotUserID, "team_id": o.TeamID, "icons": c.s.pictures(o.BotUserID, 36, 48, 72)}}, nil
}
