"""The words that may stay in a file that is given away, because they are nobody's: the vocabulary of the format.

A text is public when it is written like an identifier and all of its words are in the list (or are small numbers):
`sentry:grouping_config`, `org:read`, `sentry.rules.conditions.first_seen_event.FirstSeenEventCondition`, `p95()`.
Everything else is somebody's, and is replaced. It is an allow-list on purpose: a word that is missing here costs a
readable option key, a word too many could cost a secret, so names that people give to things do not belong into it.
"""

import re
from functools import lru_cache

_SHAPE = re.compile(r"[A-Za-z0-9_.:$/()<>=!*,%+#\-]*")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_MOST_DIGITS = 4
_MOST_NUMBERS = 3
_MOST_DIGITS_IN_ALL = 6
_LONGEST = 120  # characters

WORDS = frozenset(
    """
100 2 256 4 50 75 90 95 99 a abs accept account accounts ack acknowledged action actions active activity actix add
added admin after age agent agents aggregate aggregates aiohttp alert alerts alias all allow allowed allowlist always
amazon and android angular any apdex api app appcenter apple apps appsync archived array as asana asc asp aspnet
assert assign assigned assignedto assignee assignment astro asynchronous at attachment attachments attribute audit
auth author auto automatic automation autoresolve avalonia avatar avg aws awslambda axum azure azurefunctions backbone
backend bar base basic batch beacon bearer before beginning beta between billing bit bitbucket blacklist blazor blob
bookmarks bool boolean bot bots bottle branch breakpad broadcasts browser browsers bucket build built builtin bulk bun
burst by c cache cadence campfire cap capacitor cargo category cause celery chained chalice change changed changes
channel check checkin chrome chunk ci cli click client clock closed closest cloud cloudflare cls clubhouse cocoa code
codecov codemappings codeowners codes collapse collected color column columns comment comments commit commits
committer compact comparator comparison complete component components compound condition conditions config configs
configuration confirm connect console contains context contributor control cordova core cors count counter cpp crash
crashed crashes crashpad creation criteria critical cron crons crontab crumbs csharp csp csproj css cumulative current
custom cycle d dark dart dashboard dashboards data datacenter datadog dataset datasets date day days dead debug
debugid dedupe default delay delayed deleted deletion delivered delivery deno deny denylist deploy deploys desc
description desktop detail detailed detection detector detectors dev development deviation device difference digest
digesting digests disable disabled discard discord discover display distribution django do domain domains dotnet
downsample drop dry duration dynamic e each eap early echo edge egress elapsed electron elem elements elixir email
emails ember emit empty enable enabled enabling end ends enforce engine enhanced enhancements enroll enterprise
environment environments epm epoch eps eq equal equals equation error errors escalating escalation event events ever
every exact example exception exceptions exclude excluded existing expect experimental expert expire expires expo
exponential export exposed express expression extension extensions f fail failed failure failures falcon fallthrough
false fast fastapi fastify fatal fcp feature features feedback feedbacks fetch fiber fid field fields file filename
files filter filtered filters fingerprint fingerprinting fingerprints firefox first fixability flags flask float floor
flutter fold for force forever form format fp fragment frame free freeze freight frequency frequent from fromname
frontend fulfilled fullstack function functions future g gatsby gcp gcpfunctions generic get gin github gitlab global
go godot google grant graph gravatar group grouping groupings groups gt gte guard guess h handled hapi has hash
hashing hbase health healthcheck healthchecks heartbeat help heroku hidden high highlight hipchat histogram history
home hono hook hooks host hour hourly hours hpkp http https hydration id identifier idle idp ids ie if ignore ignored
image in inactive inbound inbox incident incidents include increase index indexed info ingest inherit inherited
initial inp input insert inserts inspect install installation instance int integer integration integrations internal
interval invalid ionic ios ip ips is issue issueid issuer issues it item j jakarta java javascript javascriptcsp jira
job join joinleave jquery json jvm k keep key keys kind knative koa kotlin ktor l label labels lag lambda language
laravel last late latest layout lcp leave legacy letter level levels library light like limit limits line linear link
linked linux list listener load loader local localhost localhosts location lock log logback logger logging logrus logs
loop low lower lt lte m macos mail mailgun main major manage managed manager manual manually map mapping margin marker
markreviewed mask match matcher mattermost maui max maximal maximum maxmind measure measurements mechanism median
medium member members memory merge message messages metadata metric metrics metro micronaut microsoft min minidump
minified minimal minimum minor minute minutes miserable misery missed missing mixed mobile mode model moderator module
modules monitor monitors monolog month monthly most motion ms msteams multi multiplier mute muted my mysql n name
names namespace namespaces native negative negroni nested nestjs net network never new newest newline newrelic next
nextjs nginx nightly nlog no node nodejs none normal not notification notifications notified notify npm nth null
number nuxt o oauth object objects observe of off office offset oidc old older oldest omniture on onboarding oncall
one ongoing only onpremise onset open opened opera operation operator opsgenie option options or order ordered org
organization organizations origin origins orphaned os other others out outbound over overflow override overrides
overview owner ownerless owners ownership p page pagerduty pages pagination params parent password path pattern
patterns pause payload pbkdf pending per percent percentage percentile performance period permission permissions
phabricator phase php pii ping pings pinned pipeline pivotal pixel platform plug plugin plugins point policy pool
popularity port position positive post postgres postmark powershell predicate preferred prefix prepare preprod present
preset preview previous previously primary priority privacy private probability probe process processing product
production profile profiles profiling progress project projects promotion prompt prompts propagate protect protocol
provider provisioned proxy public pull push pushover pyramid python q qps quarkus quart queries query queue quick
quota quotas r rack rails raise random range rank rate rates raw react read reads ready reason received recent
recipient recipients recommended record records recover recovery redirect redis redmine reduce reference referrer
refresh regex regexp region registered regressed regression relative relaunch relay relays release releases relevance
reload relocated relocation remix remote removed rename render repeated replace replay replays replica replies replyto
repo report reports repos repository reprocessing request requester requests require required reset resize resolution
resolve resolved resource response responses rest restify restore result results retain retention retries retry return
rev reverse review revision rocket rocketchat role roles rollout rollups root rotate route router row rows rpc rq ruby
rule rules run runtime rust s safari saml sample sampled sampling saved scale scan schedule scheduled scheduler schema
scheme scim scope scopes score scrape scraping screen script scrub scrubber sdk sdks search searches second secondary
seconds secret secrets section security seed seen seer segment select selected self send sender sendgrid sensitive
sent sentry sequence serilog serve server serverless servers service services ses session sessions set setting
settings setup severity sha shard shared shift short shortcut show shut sidekiq sigma signal silent simple single size
skip slack slice slog slot slow slug smart smtp snapshot snooze snoozed sns sntryd sntryi sntrys sntryu snuba soft
solid solidstart sort sorted source sources span spans spec spike splunk spm spotlight spring sql sqs ssl sso ssr
stable stack stacktrace stacktraces staff stage stages staging stale standalone standard staple starlette start
started starts starttls state static statistics statsd status step stop store stored strategies strategy stream strict
string strip style sub subject subkey subregion subscribe subscribed subscription subscriptions substatus subtype
success suggested sum summary superuser suppress suspect svelte sveltekit swap swift switch symbol symbolication
symbolicator symbols symbolsources symfony sync synthetics system t tab table tag tagged tags tail tanstack target
targets task team teams teamwork telegram template templates test tests text theme this threads threshold thresholds
throttle throughput tick tier tiered time timed timeout times timeseries timestamp timezone title tls to today toggle
token tokenless tokio toolbar top topic tornado total tpm tps trace traces tracing trail trait transaction
transactions trello trend trends trigger triggers true truncate trust tryton ttfb twilio two type types u unassigned
uncaught under unhandled unicode uniq unique unit units unity universal unknown unlimited unmerge unmute unread unreal
unresolved unreviewed unset unsplash until unverified up update updated upload upper uptime url urls usage use used
user username users utc uuid uwp v valid validate validation value values variance variant vault vb verbose vercel
verification verified verify version versions victorops view viewed views visibility vital vitals vite volume vroom
vue w wait warm warn warning wasm watch web webcrawlers webhook webhooks webpack week weekly weeks whitelist widget
widgets window windows winforms with within without wordpress worker workers workflow workflows workspace world wpf
write writes wsgi x xamarin xml y yarn year years yes you z zendesk zero zerolog zone zones
""".split()
)


@lru_cache(maxsize=20_000)
def is_public(text: str) -> bool:
    """Whether the text belongs to the format, not to people. Small numbers and empty texts do."""
    if len(text) > _LONGEST or not _SHAPE.fullmatch(text):
        return False
    words = _WORD.findall(text)
    numbers = [word for word in words if word.isdigit()]
    if len(numbers) > _MOST_NUMBERS or sum(map(len, numbers)) > _MOST_DIGITS_IN_ALL:
        return False  # an IP or a telephone number
    return all(is_public_word(word) for word in words)


def is_public_word(word: str) -> bool:
    """The same of one word, or of a number."""
    return len(word) <= _MOST_DIGITS if word.isdigit() else word.lower() in WORDS
