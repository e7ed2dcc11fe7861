package rpm

import "github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/header"

// The tags of values that are used here.
const (
	TagSigMD5     header.Tag = 261
	TagSHA1       header.Tag = 269
	TagName       header.Tag = 1000
	TagVersion    header.Tag = 1001
	TagRelease    header.Tag = 1002
	TagEpoch      header.Tag = 1003
	TagInstTime   header.Tag = 1008
	TagSize       header.Tag = 1009
	TagGroup      header.Tag = 1016
	TagOS         header.Tag = 1021
	TagArch       header.Tag = 1022
	TagFileStates header.Tag = 1029
	TagSourceRPM  header.Tag = 1044
	TagPrefixes   header.Tag = 1098
	TagInstPrefix header.Tag = 1099
	TagInstColor  header.Tag = 1127
	TagInstTID    header.Tag = 1128
	TagCompressor header.Tag = 1125
	TagFormat     header.Tag = 1124
	TagSourceFlag header.Tag = 1106

	TagBasenames  header.Tag = 1117
	TagDirnames   header.Tag = 1118
	tagDirIndexes header.Tag = 1116
	tagOldNames   header.Tag = 1027
	tagSizes      header.Tag = 1028
	tagLongSizes  header.Tag = 5008
	tagModes      header.Tag = 1030
	tagRdevs      header.Tag = 1033
	tagMtimes     header.Tag = 1034
	tagDigests    header.Tag = 1035
	tagLinks      header.Tag = 1036
	tagFlags      header.Tag = 1037
	tagUsers      header.Tag = 1039
	tagGroups     header.Tag = 1040
	tagDevices    header.Tag = 1095
	tagInodes     header.Tag = 1096
	tagColors     header.Tag = 1140
	tagCaps       header.Tag = 5010
	tagDigestAlgo header.Tag = 5011

	TagPayloadDigest     header.Tag = 5092
	TagPayloadDigestAlgo header.Tag = 5093
	TagPayloadDigestAlt  header.Tag = 5097
)

// relation is where the names, versions and flags of one kind of dependency are.
type relation struct{ names, versions, flags header.Tag }

var (
	provides  = relation{1047, 1113, 1112}
	requires  = relation{1049, 1050, 1048}
	conflicts = relation{1054, 1055, 1053}
	obsoletes = relation{1090, 1115, 1114}
)

// The tags of the database's indexes that are dependencies.
const (
	TagProvideName  header.Tag = 1047
	TagRequireFlags header.Tag = 1048
	TagRequireName  header.Tag = 1049
	TagConflictName header.Tag = 1054
	TagObsoleteName header.Tag = 1090
	TagTriggerName  header.Tag = 1066
	TagRecommend    header.Tag = 5046
	TagSuggest      header.Tag = 5049
	TagSupplement   header.Tag = 5052
	TagEnhance      header.Tag = 5055

	TagFileTriggerName       header.Tag = 5069
	TagFileTriggerIndex      header.Tag = 5070
	TagTransFileTriggerName  header.Tag = 5079
	TagTransFileTriggerIndex header.Tag = 5080
)
