package sample

import "strconv"

//go:generate go run github.com/tinylib/msgp@v1.6.5 -file=twitter.go -tests=false
//msgp:tag json

// A Twitter is a document of the shape of twitter.json: many fields, long keys, text in Japanese.
type Twitter struct {
	Statuses       []Status `json:"statuses" tnet:"statuses" msgpack:"statuses" bencode:"statuses"`
	SearchMetadata Search   `json:"search_metadata" tnet:"search_metadata" msgpack:"search_metadata" bencode:"search_metadata"`
}

type Search struct {
	CompletedIn float64 `json:"completed_in" tnet:"completed_in" msgpack:"completed_in" bencode:"completed_in"`
	MaxID       int64   `json:"max_id" tnet:"max_id" msgpack:"max_id" bencode:"max_id"`
	MaxIDStr    string  `json:"max_id_str" tnet:"max_id_str" msgpack:"max_id_str" bencode:"max_id_str"`
	NextResults string  `json:"next_results" tnet:"next_results" msgpack:"next_results" bencode:"next_results"`
	Query       string  `json:"query" tnet:"query" msgpack:"query" bencode:"query"`
	RefreshURL  string  `json:"refresh_url" tnet:"refresh_url" msgpack:"refresh_url" bencode:"refresh_url"`
	Count       int64   `json:"count" tnet:"count" msgpack:"count" bencode:"count"`
	SinceID     int64   `json:"since_id" tnet:"since_id" msgpack:"since_id" bencode:"since_id"`
	SinceIDStr  string  `json:"since_id_str" tnet:"since_id_str" msgpack:"since_id_str" bencode:"since_id_str"`
}

type Status struct {
	Metadata             Metadata `json:"metadata" tnet:"metadata" msgpack:"metadata" bencode:"metadata"`
	CreatedAt            string   `json:"created_at" tnet:"created_at" msgpack:"created_at" bencode:"created_at"`
	ID                   int64    `json:"id" tnet:"id" msgpack:"id" bencode:"id"`
	IDStr                string   `json:"id_str" tnet:"id_str" msgpack:"id_str" bencode:"id_str"`
	Text                 string   `json:"text" tnet:"text" msgpack:"text" bencode:"text"`
	Source               string   `json:"source" tnet:"source" msgpack:"source" bencode:"source"`
	Truncated            bool     `json:"truncated" tnet:"truncated" msgpack:"truncated" bencode:"truncated"`
	InReplyToStatusID    *int64   `json:"in_reply_to_status_id" tnet:"in_reply_to_status_id" msgpack:"in_reply_to_status_id" bencode:"in_reply_to_status_id"`
	InReplyToStatusIDStr *string  `json:"in_reply_to_status_id_str" tnet:"in_reply_to_status_id_str" msgpack:"in_reply_to_status_id_str" bencode:"in_reply_to_status_id_str"`
	InReplyToUserID      *int64   `json:"in_reply_to_user_id" tnet:"in_reply_to_user_id" msgpack:"in_reply_to_user_id" bencode:"in_reply_to_user_id"`
	InReplyToUserIDStr   *string  `json:"in_reply_to_user_id_str" tnet:"in_reply_to_user_id_str" msgpack:"in_reply_to_user_id_str" bencode:"in_reply_to_user_id_str"`
	InReplyToScreenName  *string  `json:"in_reply_to_screen_name" tnet:"in_reply_to_screen_name" msgpack:"in_reply_to_screen_name" bencode:"in_reply_to_screen_name"`
	User                 User     `json:"user" tnet:"user" msgpack:"user" bencode:"user"`
	Geo                  *string  `json:"geo" tnet:"geo" msgpack:"geo" bencode:"geo"`
	Coordinates          *string  `json:"coordinates" tnet:"coordinates" msgpack:"coordinates" bencode:"coordinates"`
	Place                *string  `json:"place" tnet:"place" msgpack:"place" bencode:"place"`
	Contributors         *string  `json:"contributors" tnet:"contributors" msgpack:"contributors" bencode:"contributors"`
	RetweetedStatus      *Status  `json:"retweeted_status" tnet:"retweeted_status" msgpack:"retweeted_status" bencode:"retweeted_status"`
	RetweetCount         int64    `json:"retweet_count" tnet:"retweet_count" msgpack:"retweet_count" bencode:"retweet_count"`
	FavoriteCount        int64    `json:"favorite_count" tnet:"favorite_count" msgpack:"favorite_count" bencode:"favorite_count"`
	Entities             Entities `json:"entities" tnet:"entities" msgpack:"entities" bencode:"entities"`
	Favorited            bool     `json:"favorited" tnet:"favorited" msgpack:"favorited" bencode:"favorited"`
	Retweeted            bool     `json:"retweeted" tnet:"retweeted" msgpack:"retweeted" bencode:"retweeted"`
	Lang                 string   `json:"lang" tnet:"lang" msgpack:"lang" bencode:"lang"`
}

type Metadata struct {
	ResultType      string `json:"result_type" tnet:"result_type" msgpack:"result_type" bencode:"result_type"`
	ISOLanguageCode string `json:"iso_language_code" tnet:"iso_language_code" msgpack:"iso_language_code" bencode:"iso_language_code"`
}

type Entities struct {
	Hashtags     []Hashtag `json:"hashtags" tnet:"hashtags" msgpack:"hashtags" bencode:"hashtags"`
	Symbols      []Hashtag `json:"symbols" tnet:"symbols" msgpack:"symbols" bencode:"symbols"`
	URLs         []URL     `json:"urls" tnet:"urls" msgpack:"urls" bencode:"urls"`
	UserMentions []Mention `json:"user_mentions" tnet:"user_mentions" msgpack:"user_mentions" bencode:"user_mentions"`
}

type Hashtag struct {
	Text    string  `json:"text" tnet:"text" msgpack:"text" bencode:"text"`
	Indices []int64 `json:"indices" tnet:"indices" msgpack:"indices" bencode:"indices"`
}

type URL struct {
	URL         string  `json:"url" tnet:"url" msgpack:"url" bencode:"url"`
	ExpandedURL string  `json:"expanded_url" tnet:"expanded_url" msgpack:"expanded_url" bencode:"expanded_url"`
	DisplayURL  string  `json:"display_url" tnet:"display_url" msgpack:"display_url" bencode:"display_url"`
	Indices     []int64 `json:"indices" tnet:"indices" msgpack:"indices" bencode:"indices"`
}

type Mention struct {
	ScreenName string  `json:"screen_name" tnet:"screen_name" msgpack:"screen_name" bencode:"screen_name"`
	Name       string  `json:"name" tnet:"name" msgpack:"name" bencode:"name"`
	ID         int64   `json:"id" tnet:"id" msgpack:"id" bencode:"id"`
	IDStr      string  `json:"id_str" tnet:"id_str" msgpack:"id_str" bencode:"id_str"`
	Indices    []int64 `json:"indices" tnet:"indices" msgpack:"indices" bencode:"indices"`
}

type User struct {
	ID                        int64    `json:"id" tnet:"id" msgpack:"id" bencode:"id"`
	IDStr                     string   `json:"id_str" tnet:"id_str" msgpack:"id_str" bencode:"id_str"`
	Name                      string   `json:"name" tnet:"name" msgpack:"name" bencode:"name"`
	ScreenName                string   `json:"screen_name" tnet:"screen_name" msgpack:"screen_name" bencode:"screen_name"`
	Location                  string   `json:"location" tnet:"location" msgpack:"location" bencode:"location"`
	Description               string   `json:"description" tnet:"description" msgpack:"description" bencode:"description"`
	URL                       *string  `json:"url" tnet:"url" msgpack:"url" bencode:"url"`
	Entities                  UserURLs `json:"entities" tnet:"entities" msgpack:"entities" bencode:"entities"`
	Protected                 bool     `json:"protected" tnet:"protected" msgpack:"protected" bencode:"protected"`
	FollowersCount            int64    `json:"followers_count" tnet:"followers_count" msgpack:"followers_count" bencode:"followers_count"`
	FriendsCount              int64    `json:"friends_count" tnet:"friends_count" msgpack:"friends_count" bencode:"friends_count"`
	ListedCount               int64    `json:"listed_count" tnet:"listed_count" msgpack:"listed_count" bencode:"listed_count"`
	CreatedAt                 string   `json:"created_at" tnet:"created_at" msgpack:"created_at" bencode:"created_at"`
	FavouritesCount           int64    `json:"favourites_count" tnet:"favourites_count" msgpack:"favourites_count" bencode:"favourites_count"`
	UTCOffset                 *int64   `json:"utc_offset" tnet:"utc_offset" msgpack:"utc_offset" bencode:"utc_offset"`
	TimeZone                  *string  `json:"time_zone" tnet:"time_zone" msgpack:"time_zone" bencode:"time_zone"`
	GeoEnabled                bool     `json:"geo_enabled" tnet:"geo_enabled" msgpack:"geo_enabled" bencode:"geo_enabled"`
	Verified                  bool     `json:"verified" tnet:"verified" msgpack:"verified" bencode:"verified"`
	StatusesCount             int64    `json:"statuses_count" tnet:"statuses_count" msgpack:"statuses_count" bencode:"statuses_count"`
	Lang                      string   `json:"lang" tnet:"lang" msgpack:"lang" bencode:"lang"`
	ContributorsEnabled       bool     `json:"contributors_enabled" tnet:"contributors_enabled" msgpack:"contributors_enabled" bencode:"contributors_enabled"`
	IsTranslator              bool     `json:"is_translator" tnet:"is_translator" msgpack:"is_translator" bencode:"is_translator"`
	IsTranslationEnabled      bool     `json:"is_translation_enabled" tnet:"is_translation_enabled" msgpack:"is_translation_enabled" bencode:"is_translation_enabled"`
	ProfileBackgroundColor    string   `json:"profile_background_color" tnet:"profile_background_color" msgpack:"profile_background_color" bencode:"profile_background_color"`
	ProfileBackgroundImageURL string   `json:"profile_background_image_url" tnet:"profile_background_image_url" msgpack:"profile_background_image_url" bencode:"profile_background_image_url"`
	ProfileBackgroundHTTPS    string   `json:"profile_background_image_url_https" tnet:"profile_background_image_url_https" msgpack:"profile_background_image_url_https" bencode:"profile_background_image_url_https"`
	ProfileBackgroundTile     bool     `json:"profile_background_tile" tnet:"profile_background_tile" msgpack:"profile_background_tile" bencode:"profile_background_tile"`
	ProfileImageURL           string   `json:"profile_image_url" tnet:"profile_image_url" msgpack:"profile_image_url" bencode:"profile_image_url"`
	ProfileImageURLHTTPS      string   `json:"profile_image_url_https" tnet:"profile_image_url_https" msgpack:"profile_image_url_https" bencode:"profile_image_url_https"`
	ProfileBannerURL          string   `json:"profile_banner_url" tnet:"profile_banner_url" msgpack:"profile_banner_url" bencode:"profile_banner_url"`
	ProfileLinkColor          string   `json:"profile_link_color" tnet:"profile_link_color" msgpack:"profile_link_color" bencode:"profile_link_color"`
	ProfileSidebarBorderColor string   `json:"profile_sidebar_border_color" tnet:"profile_sidebar_border_color" msgpack:"profile_sidebar_border_color" bencode:"profile_sidebar_border_color"`
	ProfileSidebarFillColor   string   `json:"profile_sidebar_fill_color" tnet:"profile_sidebar_fill_color" msgpack:"profile_sidebar_fill_color" bencode:"profile_sidebar_fill_color"`
	ProfileTextColor          string   `json:"profile_text_color" tnet:"profile_text_color" msgpack:"profile_text_color" bencode:"profile_text_color"`
	ProfileUseBackgroundImage bool     `json:"profile_use_background_image" tnet:"profile_use_background_image" msgpack:"profile_use_background_image" bencode:"profile_use_background_image"`
	DefaultProfile            bool     `json:"default_profile" tnet:"default_profile" msgpack:"default_profile" bencode:"default_profile"`
	DefaultProfileImage       bool     `json:"default_profile_image" tnet:"default_profile_image" msgpack:"default_profile_image" bencode:"default_profile_image"`
	Following                 bool     `json:"following" tnet:"following" msgpack:"following" bencode:"following"`
	FollowRequestSent         bool     `json:"follow_request_sent" tnet:"follow_request_sent" msgpack:"follow_request_sent" bencode:"follow_request_sent"`
	Notifications             bool     `json:"notifications" tnet:"notifications" msgpack:"notifications" bencode:"notifications"`
}

type UserURLs struct {
	Description URLList `json:"description" tnet:"description" msgpack:"description" bencode:"description"`
}

type URLList struct {
	URLs []URL `json:"urls" tnet:"urls" msgpack:"urls" bencode:"urls"`
}

// NewTwitter returns one with as many statuses as the original.  Its ids have a digit less, so that
// the peers whose numbers are all floats can carry them.
func NewTwitter() Twitter {
	r := newRandom(10)
	t := Twitter{SearchMetadata: Search{
		CompletedIn: 0.087, MaxID: tweetID, MaxIDStr: strconv.Itoa(tweetID), Query: "%E4%B8%80",
		NextResults: "?max_id=5058748479606579&q=%E4%B8%80&count=100&include_entities=1",
		RefreshURL:  "?since_id=5058749240954958&q=%E4%B8%80&include_entities=1",
		Count:       100, SinceIDStr: "0",
	}}
	for range 100 {
		s := status(r)
		if r.IntN(10) < 7 {
			original := status(r)
			s.RetweetedStatus = &original
		}
		t.Statuses = append(t.Statuses, s)
	}
	return t
}

const tweetID = 5058749240954958

func status(r random) Status {
	id := tweetID - r.Int64N(1e12)
	s := Status{
		Metadata: Metadata{"recent", "ja"}, CreatedAt: date(r), ID: id, IDStr: strconv.FormatInt(id, 10),
		Text: japanese(r, 30+r.IntN(80)), User: user(r), RetweetCount: r.Int64N(100), FavoriteCount: r.Int64N(100), Lang: "ja",
		Source:   `<a href="http://twitter.com/download/iphone" rel="nofollow">Twitter for iPhone</a>`,
		Entities: Entities{Hashtags: []Hashtag{}, Symbols: []Hashtag{}, URLs: []URL{}, UserMentions: []Mention{}},
	}
	if r.IntN(2) == 0 {
		s.Entities.UserMentions = append(s.Entities.UserMentions, mention(r))
	}
	if r.IntN(4) == 0 {
		s.Entities.URLs = append(s.Entities.URLs, link(r))
	}
	if r.IntN(5) == 0 {
		s.Entities.Hashtags = append(s.Entities.Hashtags, Hashtag{japanese(r, 6), []int64{3, 10}})
	}
	if r.IntN(6) == 0 {
		number, text, name := id-1, strconv.FormatInt(id-1, 10), r.word(10)
		s.InReplyToStatusID, s.InReplyToStatusIDStr, s.InReplyToScreenName = &number, &text, &name
	}
	return s
}

func user(r random) User {
	id := r.Int64N(3e9)
	image := "profile_images/" + r.word(18) + "/" + r.word(8) + "_normal.jpeg"
	u := User{
		ID: id, IDStr: strconv.FormatInt(id, 10), Name: japanese(r, 8), ScreenName: r.word(12),
		Location: japanese(r, r.IntN(6)), Description: japanese(r, r.IntN(120)),
		Entities:       UserURLs{URLList{[]URL{}}},
		FollowersCount: r.Int64N(10_000), FriendsCount: r.Int64N(5000), ListedCount: r.Int64N(50),
		CreatedAt: date(r), FavouritesCount: r.Int64N(20_000), StatusesCount: r.Int64N(50_000),
		GeoEnabled: r.IntN(2) == 0, Lang: "ja",
		ProfileBackgroundColor:    "C0DEED",
		ProfileBackgroundImageURL: "http://abs.twimg.com/images/themes/theme1/bg.png",
		ProfileBackgroundHTTPS:    "https://abs.twimg.com/images/themes/theme1/bg.png",
		ProfileImageURL:           "http://pbs.twimg.com/" + image, ProfileImageURLHTTPS: "https://pbs.twimg.com/" + image,
		ProfileBannerURL: "https://pbs.twimg.com/profile_banners/" + r.word(20),
		ProfileLinkColor: "0084B4", ProfileSidebarBorderColor: "C0DEED", ProfileSidebarFillColor: "DDEEF6",
		ProfileTextColor: "333333", ProfileUseBackgroundImage: true, DefaultProfile: r.IntN(2) == 0,
	}
	if r.IntN(3) == 0 {
		offset, zone := int64(32400), "Tokyo"
		u.UTCOffset, u.TimeZone = &offset, &zone
	}
	return u
}

func mention(r random) Mention {
	id := r.Int64N(3e9)
	return Mention{r.word(11), japanese(r, 7), id, strconv.FormatInt(id, 10), []int64{3, 19}}
}

func link(r random) URL {
	path := r.word(10)
	return URL{"http://t.co/" + path, "http://www.example.jp/" + path, "example.jp/" + path, []int64{40, 62}}
}

func date(r random) string {
	return "Sun Aug 31 00:" + strconv.Itoa(10+r.IntN(50)) + ":" + strconv.Itoa(10+r.IntN(50)) + " +0000 2014"
}

// japanese returns n letters of three bytes, with a line or a quotation mark now and then.
func japanese(r random, n int) string {
	b := make([]rune, n)
	for i := range b {
		switch r.IntN(40) {
		case 0:
			b[i] = '\n'
		case 1:
			b[i] = '"'
		default:
			b[i] = rune(0x3042 + r.IntN(80))
		}
	}
	return string(b)
}
