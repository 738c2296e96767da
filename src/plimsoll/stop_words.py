"""Words that hold a sentence together and tell nothing of what a text is about, by language.

They are the articles, pronouns, prepositions, conjunctions, auxiliary verbs and particles of each language, in the forms that
are written most, and the first part of an elision (l'eau) in the languages that have it. Where a language is missing nothing can
be left out, which costs a larger index and little else: what is everywhere weighs next to nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

LISTS: Mapping[str, str] = {
    "english": """a about above after again against all also am an and any are aren't as at be because been before
        being below between both but by can can't cannot could couldn't did didn't do does doesn't doing don't down
        during each either few for from further had hadn't has hasn't have haven't having he he'd he'll he's her here
        hers herself him himself his how i i'd i'll i'm i've if in into is isn't it it's its itself just let's me more
        most mustn't my myself neither no nor not of off on once only onto or other our ours ourselves out over own
        same shall shan't she she'd she'll she's should shouldn't so some such than that that's the their theirs them
        themselves then there there's these they they'd they'll they're they've this those through to too under until
        up upon us very was wasn't we we'd we'll we're we've were weren't what what's when where whether which while
        who who's whom whose why will with within without won't would wouldn't you you'd you'll you're you've your
        yours yourself yourselves""",
    "german": """aber alle allem allen aller alles als also am an andere anderem anderen anderer anderes auch auf aus
        bei beim bin bis bist da dabei dadurch dafür daher damals damit dann daran darauf darin darüber das dass daß
        davon dazu dein deine deinem deinen deiner dem den denn der deren derselben des dessen dich die dies diese
        dieselbe diesem diesen dieser dieses dir doch dort du durch ein eine einem einen einer eines einige einigen
        einiger einmal er es etwas euch euer eure eurem euren eurer für gegen hab habe haben hat hatte hatten hier
        hinter ich ihm ihn ihnen ihr ihre ihrem ihren ihrer ihres im in indem ins ist jede jedem jeden jeder jedes
        jedoch jene jenem jenen jener jenes kann kein keine keinem keinen keiner keines können könnte man mehr mein
        meine meinem meinen meiner mich mir mit muss müssen musste nach nicht nichts noch nun nur ob oder ohne schon
        sehr sein seine seinem seinen seiner seit selbst sich sie sind so solche solchem solchen solcher solches soll
        sollen sollte sondern sonst sowie über um und uns unser unsere unserem unseren unserer unter vom von vor
        während war waren warum was wegen weil welche welchem welchen welcher welches wem wen wenn wer werde werden
        wessen wie wieder will wir wird wirst wo wobei worden wurde würde wurden würden zu zum zur zwar zwischen""",
    "french": """à ai au aucun aucune aux avaient avait avant avec avoir c car ce ceci cela celle celles celui ces cet
        cette ceux chez ci comme d dans de des donc dont du elle elles en entre es est et étaient était étant être eu
        eux furent fut il ils j je l la là le les leur leurs lui m ma mais me même mes mien moi mon n ne ni nos notre
        nous on ont ou où par pas pendant peut plus pour qu quand que quel quelle quelles quels qui quoi s sa sans se
        sera seront ses si sien son sont sous sur t ta te tes toi ton tous tout toute toutes très tu un une vers vos
        votre vous y""",
    "spanish": """a al algo alguna algunas alguno algunos ante antes aquel aquella aquello así aun aunque cada como con
        contra cual cuales cuando de del desde donde durante e el él ella ellas ello ellos en entre era eran eres es
        esa esas ese eso esos esta está están estas este esto estos fue fueron ha había habían han has hasta hay he la
        las le les lo los más me mi mí mis muy nada ni no nos nosotros nuestra nuestro o os otra otras otro otros para
        pero poco por porque pues que qué quien quién se sea según ser si sí sido sin sino sobre son soy su sus también
        tan te tiene tienen todo todos tu tú tus u un una unas uno unos usted ustedes y ya yo""",
    "italian": """a ad agli ai al alla alle allo anche ancora avere aveva c che chi ci coi col come con contro cui d da
        dagli dai dal dall dalla dalle dallo degli dei del dell della delle dello di dove e è ed era erano essere fra
        fu gli ha hai hanno ho i il in io l la le lei lo loro lui ma me mentre mi mia mie miei mio ne negli nei nel
        nell nella nelle nello no noi non nostra nostro o ogni per perché più poi quale quali quando quanto quella
        quelle quelli quello questa queste questi questo qui s sarà se sei senza si sia siamo siete sono sta stata
        stati stato su sua sue sugli sui sul sull sulla sulle sullo suo suoi ti tra tu tua tuo tutti tutto un una uno v
        vi voi""",
    "portuguese": """a à ao aos aquela aquele aquilo as às até cada com como da das de dela dele deles depois do dos e
        é ela elas ele eles em entre era eram essa essas esse esses esta está estão estas este estes eu foi foram há
        isso isto já lhe lhes lo mais mas me mesmo meu meus minha muito na não nas nem no nos nós nossa nosso num numa
        o onde os ou para pela pelas pelo pelos por porque qual quando que quem se seja sem ser será seu seus só sob
        sobre sua suas também te tem têm teu tinha tu tua um uma umas uns você vocês""",
    "dutch": """aan al alle als altijd andere ben bent bij bijna daar dan dat de der deze die dit doch door dus een
        eens en er ge geen geweest haar had hadden heb hebben heeft hem het hier hij hoe hun iemand iets ik in is ja je
        jij jou jouw jullie kan kon kunnen maar me meer men met mij mijn moet moeten na naar niet niets nog nu of om
        omdat onder ons onze ook op over s t te tegen toch toen tot u uit uw van veel voor waar want waren was wat we
        werd werden wie wij wil worden wordt zal ze zelf zich zij zijn zo zonder zou zouden""",
    "swedish": """alla allt än är åt att av även bara blev bli blir blivit då där de dem den denna deras dess dessa det
        detta dig din dina ditt du efter ej eller en er era ert ett finns för från ha hade han hans har här henne
        hennes hon honom hur i icke ingen inom inte jag ju kan kunde man måste med mellan men mig min mina mitt mot
        mycket någon något några när nog nu och också om oss över på så sådan sådana sådant samma sedan sig sin sina
        sitt själv ska skall skulle som till under upp ur ut utan vad var vår vara våra varför varit varje vars vårt
        vem vi vid vilka vilken vilket""",
    "norwegian": """å alle at av både bare ble bli blir blitt da de deg dem den denne der dere deres det dette di din
        dine disse ditt du eg ein eit eller en enn er et ett etter for før fordi fra ha hadde han hans har henne hennes
        her hun hva hvem hver hvilke hvilken hvis hvor hvordan hvorfor i ikke ikkje ingen inn ja jeg kan kun kunne må
        man mange med meg mellom men mer mi min mine mitt mot nå når noe noen noko nokon og også om opp oss over på sa
        så samme seg selv siden sin sine sitt skal skulle slik som til ut uten være vært var vår våre ved vi vil ville""",
    "danish": """af alle alt at både bare blev blive bliver da de dem den denne der deres det dette dig din dine disse
        dit dog du efter eller en end er et for før fordi fra ham han hans har havde hende hendes her hun hvad hvem
        hver hvilke hvilken hvilket hvis hvor hvordan hvorfor hvornår i ikke ind ingen ja jeg jer jo kan kom kun kunne
        må man måske med meget mellem men mens mere mig min mine mit mod når ned nej nogen noget nogle nu og også om op
        os over på så sådan samme selv sig sin sine sit skal skulle som til ud uden under være været var ved vi vil
        ville vor vores""",
    "finnish": """ei eivät eli emme en ennen et että ette hän häneen hänellä hänelle hänen hänessä hänestä hänet häntä
        he heidän heidät heillä heille heitä ja jo joiden joita joka jolla jolle jona jonka jos joskus josta jota jotka
        kanssa keiden keitä ken kenen ketä ketkä koska kuin kuinka kuka kun me meidän meidät meillä meille meitä mikä
        millä mille minä minkä minua minulla minulle minun minut missä mistä mitä mitkä mukaan mutta myös näiden näitä
        nämä ne niiden niille niin niistä niitä noin nyt ole olen olet oli olimme olin olisi olit olivat olla olleet
        ollut on ovat se sekä sen siihen siinä siitä sillä sille sinä sinun sitä tai tällä tämä tämän tässä tästä tätä
        te teidän teitä tuo tuon vaan vai vaikka vain yli""",
    "russian": """а без более больше будет будут бы был была были было быть в вам вас ведь во вот все всегда всего всех
        всю вы где да даже для до другие другой его ее ей ему если есть еще ещё же за здесь и из или им иногда их к как
        какая какой когда кого которая которого которое которой которые который которых кто куда ли либо лишь между
        меня мне много может можно мой моя мы на над надо нам нас не него нее ней нет ни нибудь них ничего но ну о об
        один однако он она они оно от перед по под после потом потому почти при про с сам своего своей свои свою себе
        себя со так такая также такие такое такой там те тебя тем теперь то тогда того тоже той только том тот ту тут
        ты у уже хотя чего чем через что чтоб чтобы эта эти этим этих это этого этой этом этот эту я""",
    "catalan": """a així això al als amb aquell aquella aquelles aquells aquest aquesta aquestes aquests cada com d de
        del dels des doncs dos el ell ella elles ells els em en encara ens entre era eren es és està et fins ha han
        havia he hi ho i jo l la les li llur lo m ma més meu meva mi molt molts n ni no nosaltres nostre o on pel pels
        per però perquè poc qual quan que què qui s sa se sense ser seu seus seva si sí sobre són t també tan te tot
        tots tu un una unes uns us va vaig van vosaltres""",
    "romanian": """a acea aceasta această acei acel acela acele acest acesta aceste acestea aceştia acolo ai aici al
        ale am ar are as aş au avea ca că când care cât ce cea cei cel cele ci cine cu cum da dacă dar de deci deja din
        doar după ea ei el ele era este eşti eu fi fie fost iar îi îl îmi în încă între îşi la le li lor lui mai mea
        mei meu mi mie mine mult nici niște noi nostru nu o ori pe pentru prin sa să sale sau se şi și sînt sub sunt
        suntem te tot tu un una unei unele unor unui va vă voi vom vor vostru""",
    "polish": """a aby albo ale ani bardzo bez bo być był była było były ci cię co czy dla do gdy gdzie go i ich im
        innych ja jak jako je jednak jego jej jemu jeśli jest jestem jeszcze już kiedy kto która które którego której
        który których którym lub ma mają mi mnie mój może my na nad nam nas nich nie niej nim niż o od oraz po pod
        przed przez przy są się swój ta tak także tam te tego tej ten to tu ty tylko tym u w we więc wszystko z za ze
        że żeby""",
    "czech": """a aby ale ani až bez bude budou by byl byla byli bylo byly být či co což do ho i já jak jako je jeho
        jej její jejich jen ještě ji jí jich jsem jsi jsme jsou jste k kde kdo když ke která které kteří kterou který
        ku ma má mě mezi mi mít mu my na nad nám nás ne nebo než ni nic o od on ona oni ono po pod podle před při pro
        proč proto protože s se si sice své svůj ta tak také tam tato te tě ten tento to toho tom tomu tu tuto ty u už
        v vám vás ve více však vy z za zda ze že""",
    "hungarian": """a abban ahhoz ahogy aki akik akkor amely amelyek amelyet ami amikor amit arra arról az azért azok
        azon azt azzal be csak de e ebben egy egyik ehhez ekkor el én ennek erre és ez ezek ezen ezért ezt ezzel fel ha
        hanem hogy hogyan hozzá igen így is itt kell ki le lehet lesz maga majd már meg mely melyek mert mi mint mit
        mivel most nagyon ne nem nincs ő ők ön össze pedig s sem semmi számára szerint te ti tovább úgy újra után vagy
        vagyok van vannak volna volt voltak""",
    "turkish": """acaba ama ancak artık aslında az bana bazı belki ben benden beni benim beri bile bir biri biz bizden
        bizi bizim bu buna bunda bundan bunlar bunu bunun burada çok çünkü da daha de değil diye eğer en gibi göre hem
        hep her hiç için ile ise ki kim kimi kimin mi mı mu mü nasıl ne neden nerede niçin niye o olan olarak ona ondan
        onlar onlara onları onların onu onun oysa sadece sanki sen senden seni senin şey siz sizden sizi sizin şu şunu
        tüm üzere ve veya ya yani yine zaten""",
    "greek": """αλλά αν απ από αυτά αυτές αυτή αυτήν αυτής αυτό αυτοί αυτός αυτού αυτούς αυτών για δε δεν εγώ εδώ είμαι
        είναι είχε εκεί εμείς ένα ένας εσείς εσύ έτσι έχει έχουν ή η ήταν θα κάθε και κατά κι μας με μετά μέχρι μη μην
        μία μια μου να ο οι όμως όπου όπως όσο όταν ότι ούτε όχι πιο πολύ που πριν προς πως πώς σαν σας σε σου στα στη
        στην στις στο στον στους τα τη την της τι τις το τον του τους των ως""",
    "indonesian": """ada adalah agar akan aku anda antara apa apakah atas atau bagi bahwa banyak beberapa belum bisa
        bukan dalam dan dapat dari dengan di dia hanya harus hingga ia ini itu jika juga kami kamu kapan karena ke
        kepada ketika kita lagi lain lebih maka mana masih mengapa mereka namun oleh pada paling para pernah pun saat
        saja sampai sangat saya sebagai sebelum sebuah sedang sehingga sejak selama semua seorang seperti serta setelah
        setiap suatu sudah supaya tanpa telah tentang tersebut tetapi tidak untuk yaitu yang""",
    "arabic": """أم أما أن أنا أنت أنه أنها أو أي أين إذ إذا إلا إلى إن إنه إنها التي الذي الذين انت بعد بعض بل به بها
        بين تلك ثم حتى حيث ذلك سوف على عليه عليها عن عند عندما غير فقط في فيه فيها قبل قد كان كانت كل كما كي كيف لا لدى
        لكن لم لماذا لن له لها لهم ليس ليست ما ماذا متى مثل مع من منذ منه منها نحن هذا هذه هل هم هنا هناك هو هي و يكون""",
    "persian": """آن آنها از است اما او اگر این با باید بر برای به بود بودند بی تا تو خود در را زیرا شد شده شما شود ما
        من مگر می نه نیز نیست ها هر هم همه و ولی وی چرا چند چه چون کجا کرد کرده کند کنند که کی یا یک""",
    "hindi": """अगर अपना अपनी अपने अब आप इन इस इसका इसकी इसके इसमें इसे उन उनका उनकी उनके उस उसका उसकी उसके उसे एक एवं
        और कब कर करता करते करना करने का कि किया किस किसी की कुछ के को कोई कौन क्या क्यों गई गए गया जब जहाँ जहां जिस
        जैसे जो तक तथा तब तो था थी थे दिया द्वारा न नहीं ने पर फिर बहुत भी मगर में मेरा मैं यदि यह यहाँ या ये रहा रही
        रहे लिए लेकिन व वह वहाँ वाला वाली वाले वे सकता सकते सभी साथ से हम हमारा ही हुआ हुई हुए है हैं हो होता होती होते""",
}
