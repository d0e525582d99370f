// Package slacksim is a Slack workspace that runs locally: the Web API and Socket Mode for one app,
// the people who use it, and a browser page to act as them. It knows nothing of the app and would
// serve any. It imports the standard library and gorilla/websocket; its tests run unmodified
// clients against it: slack-go, and where Node and npm are at hand Slack's own @slack/bolt,
// @slack/socket-mode and @slack/web-api (foreign_test.go), and where it is asked for Alertmanager's
// notifier (alertmanager_test.go); outside of the tests Slack's SDK for Python was run on it, too.
//
//	s := slacksim.New(slacksim.Options{Commands: []slacksim.SlashCommand{{Command: "/do"}}})
//	defer s.Close()
//	web := httptest.NewServer(s)
//	s.AddUser(slacksim.User{ID: "UANA", Name: "ana"})
//	s.AddChannel(slacksim.Channel{ID: "C0OPS", Name: "ops", Members: []string{"UANA", "U0BOT"}})
//	// the app: slack.New("xoxb-sim", slack.OptionAppLevelToken("xapp-sim"), slack.OptionAPIURL(web.URL+"/api/"))
//	result, err := s.SlashCommand(ctx, "UANA", "C0OPS", "/do", "it")
//	err = s.Wait(ctx, func(n *slacksim.Snapshot) bool { return len(n.Messages("C0OPS")) == 1 })
//
// # What holds
//
//   - An envelope goes to exactly one connection; an ack counts on whichever connection it comes, once, within
//     Options.AckTimeout. Acks of 20 480 bytes or more, in several frames, malformed or unexpected are ignored, and
//     Acks says why. {} and null are no payload.
//   - Commands and interactions are never sent twice: with nothing connected the person sees
//     dispatch_failed, without an
//     ack operation_timeout. Events are tried four times with the same event_id and new envelope_ids.
//   - A trigger opens one view within Options.TriggerLife; a refused view does not use it up. A response_url works five
//     times in 30 minutes.
//   - Blocks and views are always checked, by package blockkit. Sizes stand in its limits.go and in
//     the one here, each with its source; faults are worded and pointed at as Slack does.
//   - Everything happens under one lock, so a call is atomic. Wait is woken by every change and never polls.
//   - Deadlines of the protocol are real time. Options.Now only gives timestamps and makes scheduled messages due.
//   - With the same Seed and the same order of acts, ids are the same.
//   - Close leaves no goroutine behind.
//
// A view is opened, updated and closed along this chart:
//
//	(trigger) --views.open--> open --views.push, push--> covered by another (at most 3) --that one closes--> open
//	open --views.update, update--> open (a field keeps what it holds where block_id, action_id and
//	                               type stay; others begin with initial_)
//	open --empty ack, Cancel--> closed;  open --clear, x, Cancel with clear_on_close--> closed with its whole stack
//	open --errors, no ack, an answer Slack does not take--> open
//
// # Faults
//
// InjectFault takes rules: which method or envelope (a glob), about whom, which FaultKind, how many
// to skip, how often, for how long. Uploads are the method files.upload, downloads with a token
// files.download, uses of a response_url the method response_url. Disconnect, DisconnectOne and
// DropConnections act at once.
//
// Options.Faults is a random profile. It follows the Seed so far that the n-th call of a method
// about one conversation, person or view meets the same fate in every run, and so does the n-th
// envelope of a kind from one person (a repeated event by its attempt): other traffic, its order
// and injected rules change nothing. The seed does not bind real time, or who of two that race for
// the same conversation comes first.
//
// # Control over HTTP
//
// Under /_sim/, which is no path of Slack's, everything that Go can do can be done in JSON:
//
//	curl -d '{"user":"UANA","channel":"C0OPS","command":"/do","text":"it"}' localhost:8080/_sim/slash
//	{"envelope_id":"6f0c...","response_type":"ephemeral","text":"done","message_ts":"1795306454.931478",...}
//
// GET: state?as=USER&channel=ID, messages?channel=ID, views?user=ID, calls?after=ID, acks,
// connections, users, channels, groups, canvases, dm?user=ID, faults (rules, profile and seed), app
// (how it is set up), wait?after=VERSION&timeout_ms=N (answers when something changed), events (the
// version as server-sent events, one per change or burst of changes). For the page: boot,
// screen?as=USER, history?as=USER&channel=ID&before=TS&after=TS&limit=N,
// thread?as=USER&channel=ID&ts=TS, traffic?limit=N (envelopes and calls), traffic?key=K (one of
// them with its payloads), stream?after=POSITION (what changed, as server-sent events; boot gives
// the position, Last-Event-ID resumes, the event reset says to begin anew). POST, with the fields
// each needs:
//
//	slash        user channel command text           post      user channel text thread_ts
//	click        user channel message_ts block_id action_id value
//	fill         user view_id values                 submit    user view_id values
//	view-action  user view_id block_id action_id value values
//	close        user view_id all                    home      user tab (home or messages)
//	read         user channel message_ts             dismiss   user channel message_ts
//	dm           user                                shortcut  user id, or user channel message_ts id
//	edit-canvas  user id text                        delete-canvas   user id
//	delete-message user channel message_ts (one's own; administrators of the workspace: any)
//	suggest      user view_id block_id action_id text
//	upload       ?user=USER&name=NAME, the bytes as body; the id in the answer is a value of a file_input
//	forge-click  as Forged                           forge-slash   user channel command text fields
//	forge-submit user view_id fields                 interactive   payload
//	raw          the frame itself                    disconnect    reason one
//	drop                                             faults        as Rule, with delay, retry_after and for as "1s"
//	users        as User                             channels      as Channel
//	join, leave  user channel                        react, unreact user channel message_ts text (the emoji's name)
//	groups       id handle members                   deactivate    user
//	update-user  id and the fields of User to change random-faults as Faults
//	             (status_text, status_emoji, status_expiration, tz, deleted, email_unconfirmed, ...)
//	update-channel id and the fields of Channel to change (is_archived, is_ext_shared, members)
//	messages-tab on: false refuses every direct message of the app
//	rate-limits  on                                  public-url    url
//
// DELETE /_sim/faults removes every fault, with ?id=N the rule that POST faults gave that id.
// values is block_id, action_id, value, and a value is what a person would choose: a text, an
// option's value, an id, a date, a file (its id, or {"name": "a.csv", "content": "a,b"}, or
// content_base64), or a list of those. 200 carries the result; a result's error is
// operation_timeout, dispatch_failed or what else the person would see. 422 means that Slack's
// client would not offer the act, 400 that the body is not understood; detail says why.
//
// # The page
//
// At / a person is chosen (?as=USER preselects), conversations, threads, the Home tab and modals
// are used as in Slack, several people in turn, with their unread messages counted. The inspector
// (Alt+I) shows every envelope and call with outcome, latency and payload, tokens left out.
// Everything can be done by keyboard: F6 goes from part to part, also into the panel, arrows move
// within people, conversations and messages, Ctrl+K jumps to people and conversations, Alt+1 to
// Alt+9, Alt+Up and Alt+Down change the person, and Ctrl+/ lists all keys. When a modal is updated
// only the blocks that changed are drawn anew, so that focus, caret, scroll and typed text stay; a
// focus that has nowhere to stay goes to the title. Set Options.PanelURL to show another page in a
// frame beside it (Alt+P), or Options.Panel to serve that page from here, under /_panel/. That page
// may lead to somebody's conversation by window.parent.postMessage({show: {as, channel, ts}}): the
// person, the channel or nothing for the one with the app, and a message to bring into view. The page
// loads nothing from outside, which its Content-Security-Policy enforces: pictures of other hosts
// are shown as links. It needs no build step: small modules under web/, one per role, none of which
// makes markup out of text.
//
// The page holds at most a few hundred messages of a conversation and gets changes, not states: a
// step (journal.go) compares cheap marks of everything with those of the step before and numbers
// what changed. What each person has read is the page's own knowledge; the app does not hear of it.
//
// # Decisions
//
//   - The channel must have the app as a member, or the scope chat:write.public, or the post is
//     not_in_channel; a private
//     channel without the app does not exist for it. Without Options.Scopes every scope is granted.
//   - Where sources disagree: block_actions says accepts_response_payload true, expired triggers are
//     expired_trigger_id, views.open from inside a modal puts a second stack on top.
//   - Text, metadata and ids that Slack adds are added: block_id, action_id, emoji and verbatim flags.
//   - Files. A file_input holds file objects (docs.slack.dev/reference/objects/file-object): at
//     most 10 MB each, 10 of them or max_files
//     (docs.slack.dev/reference/block-kit/block-elements/file-input-element, which also asks for
//     files:read; what views.open says without it is not recorded, so nothing). The app can read a
//     file once it stands in a view or was shared, at url_private and url_private_download with
//     "Authorization: Bearer" of a bot token that holds files:read. Anybody else gets a 302 to the
//     front page, /?redir=..., which a client that follows takes for the file: HTML and status 200
//     (github.com/slackapi/deno-slack-sdk/issues/285, github.com/slackapi/bolt-js/issues/2585). The
//     page itself reads /files/ID without a token. files.completeUploadExternal takes conversations
//     as channel_id, not people ("input must match regex pattern",
//     github.com/slackapi/bolt-js/issues/2115); channels takes both.
//   - views.update: an unchanged pair of block_id and action_id ignores a new initial_ value
//     (github.com/slackapi/bolt-js/issues/290,
//     bolt-python/issues/1064). That a chosen option is lost when it is no option any more is ours.
//   - A text field with dispatch_action tells on Enter, or while typing where
//     dispatch_action_config says so, 250 ms after the last key
//     (docs.slack.dev/reference/block-kit/composition-objects/dispatch-action-configuration-object);
//     a multi select tells when its list closes.
//   - Canvases are one text of Markdown each, replaced or added to as a whole: there are no
//     sections (canvases.sections.lookup), and sharing shows no
//     message. file_change and file_deleted tell of them, of the app's own changes, too. Their greatest length is ours.
//   - user_change, and "at the exact same time" user_status_changed or user_profile_changed
//     (docs.slack.dev/reference/events/user_change); a deactivation is user_change alone.
//     users.profile.get needs users.profile:read. A status whose expiration has passed is cleared,
//     with its events.
//   - Rate limits are off until Options.RateLimits. The burst of a channel and of a tier are ours:
//     Slack does not tell them.
//   - After link_disabled a client may connect again; what Slack answers then is not recorded.
//   - chat.update without blocks keeps the old ones, as its page says; blocks=[] clears them.
//   - What is empty is not absent: it gets the method's own code. Without chat:write.customize a
//     name and icon are ignored, with it the post is a bot_message. No code is answered that no
//     page lists (truth_test.go, which names the page of each claim). thread_ts of no message is
//     cannot_reply_to_message.
//   - Reactions are of Unicode's emoji; the workspace has none of its own. Only the app pins.
//     Presence is active unless User.Away. An incoming webhook of a channel is at
//     /services/TEAM/BOT/CHANNEL, where the app holds incoming-webhook; like any app's it cannot
//     choose channel, name or icon.
//   - Not there: OAuth, token rotation, Events API and interactivity over HTTP, Enterprise Grid
//     beyond enterprise_user, lists, unfurling, thumbnails, Retry-After for events,
//     app_rate_limited, tombstones of deleted roots, shared channels' invitations, the texts of
//     options that an external select was given.
package slacksim
