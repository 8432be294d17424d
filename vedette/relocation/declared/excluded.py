"""Models of the format's graph that never are in a file; a reader skips their rows.

Source: the relocation specification, 5.3.
"""

_NAMES = {
    "feedback": "feedback",
    "flags": "flagauditlogmodel flagwebhooksigningsecretmodel",
    "hybridcloud": (
        "apikeyreplica apitokenreplica controlcacheversion externalactorreplica organizationslugreservationreplica "
        "orgauthtokenreplica regioncacheversion webhookpayload"
    ),
    "nodestore": "node",
    "replays": "replayrecordingsegment",
    "sentry": (
        "activity alertruleactivations artifactbundle artifactbundleindex assistantactivity auditlogentry "
        "authidentityreplica authproviderdefaultteams authproviderreplica broadcast broadcastseen commit commitauthor "
        "commitfilechange controlfile controlfileblob controlfileblobindex controlfileblobowner controlimportchunk "
        "controlimportchunkreplica controloutbox controltombstone dashboardproject debugidartifactbundle "
        "deletedorganization deletedproject deletedteam deploy discoversavedquery discoversavedqueryproject "
        "distribution docintegration docintegrationavatar eventattachment exporteddata exporteddatablob externalactor "
        "externalissue featureadoption file fileblob fileblobindex fileblobowner group groupassignee groupbookmark "
        "groupcommitresolution groupemailthread groupenvironment grouphash grouphashmetadata grouphistory groupinbox "
        "grouplink groupmeta groupowner groupredirect grouprelease groupresolution grouprulestatus groupseen "
        "groupshare groupsnooze groupsubscription grouptombstone identity identityprovider incidentproject "
        "integrationexternalproject integrationfeature latestreporeleaseenvironment lostpasswordhash monitorcheckin "
        "monitorenvbrokendetection monitorenvironment monitorincident monitorlocation notificationmessage "
        "notificationsettingoption notificationsettingprovider organizationavatar organizationmapping "
        "organizationmembermapping organizationmemberteamreplica organizationonboardingtask "
        "organizationslugreservation perfstringindexer platformexternalissue proguardartifactrelease "
        "projectartifactbundle projectcodeowners projectdebugfile projectplatform projecttransactionthreshold "
        "projecttransactionthresholdoverride promptsactivity pullrequest pullrequestcomment pullrequestcommit "
        "regionimportchunk regionoutbox regionscheduleddeletion regiontombstone regressiongroup release "
        "releaseactivity releaseartifactbundle releasecommit releaseenvironment releasefile releaseheadcommit "
        "releaseproject releaseprojectenvironment releasethreshold relocation relocationfile relocationvalidation "
        "relocationvalidationattempt repositoryprojectpathconfig rollbackorganization rollbackuser rulefirehistory "
        "scheduleddeletion sentryappavatar sentryappinstallationforprovider sentryappinstallationtoken sentryshot "
        "servicehookproject stringindexer teamkeytransaction teamreplica useravatar userreport"
    ),
    "social_auth": "usersocialauth",
    "tempest": "tempestcredentials",
    "uptime": "projectuptimesubscription uptimesubscription uptimesubscriptionregion",
    "workflow_engine": "action dataconditiongroupaction detectorstate",
}

EXCLUDED = frozenset(f"{app}.{name}" for app, names in _NAMES.items() for name in names.split())

# Three of them stand between models that travel, and so have a say in their order.
WAYPOINTS = {
    "sentry.release": ("sentry.organization", "sentry.user"),
    "sentry.group": ("sentry.project", "sentry.release"),
    "sentry.alertruleactivations": ("sentry.alertrule", "sentry.querysubscription"),
}
