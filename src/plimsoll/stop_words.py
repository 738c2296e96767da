"""Words that hold a sentence together and tell nothing of what a text is about, by language.

They are the articles, pronouns, prepositions, conjunctions, auxiliary verbs and particles of each language, in the forms that are
written most, and the first part of an elision (l'eau) in the languages that have it. No language is here that somebody who
reads it has not to do with: of one that is missing nothing is left out, which costs a larger index and little else.
"""

from __future__ import annotations

from collections.abc import Mapping

LISTS: Mapping[str, str] = {
    "english": """a about above after again against all also am an and any are aren't as at be because been before being below
        between both but by can can't cannot could couldn't did didn't do does doesn't doing don't down during each either
        few for from further had hadn't has hasn't have haven't having he he'd he'll he's her here hers herself him himself
        his how i i'd i'll i'm i've if in into is isn't it it's its itself just let's me more most mustn't my myself neither no
        nor not of off on once only onto or other our ours ourselves out over own same shall shan't she she'd she'll she's
        should shouldn't so some such than that that's the their theirs them themselves then there there's these they they'd
        they'll they're they've this those through to too under until up upon us very was wasn't we we'd we'll we're we've
        were weren't what what's when where whether which while who who's whom whose why will with within without won't
        would wouldn't you you'd you'll you're you've your yours yourself yourselves""",
    "german": """aber als also am an auch auf aus bei beim bin bis bist da damit dann das dass daß dein deine dem den denn der
        deren des dessen dich die dies diese diesem diesen dieser dieses dir doch dort du durch ein eine einem einen einer eines
        er es etwas euch euer eure für gegen hab habe haben hat hatte hatten hier ich ihm ihn ihnen ihr ihre ihrem ihren ihrer
        im in ins ist jede jedem jeden jeder jedes kann kein keine keinem keinen keiner können könnte man mehr mein meine mich
        mir mit muss musste müssen nach nicht noch nun nur ob oder ohne schon sehr sein seine seinem seinen seiner seit sich
        sie sind so soll sollen sollte sondern sowie über um und uns unser unsere unter vom von vor war waren warum was weil
        welche welchem welchen welcher welches wem wen wenn wer werden wessen wie wieder will wir wird wo worden wurde wurden
        würde würden zu zum zur zwischen""",
    "french": """à ai au aucun aucune aux avait avaient avant avec avoir c car ce ceci cela celle celles celui ces cet cette ceux
        chez ci comme d dans de des donc dont du elle elles en entre es est et étaient était étant être eu eux fut furent
        il ils j je l la là le les leur leurs lui m ma mais me même mes mien moi mon n ne ni nos notre nous on ont ou où par pas
        pendant peut plus pour qu quand que quel quelle quelles quels qui quoi s sa sans se sera seront ses si sien son
        sont sous sur t ta te tes toi ton tous tout toute toutes très tu un une vers vos votre vous y""",
    "spanish": """a al algo alguna algunas alguno algunos ante antes aquel aquella aquello así aun aunque cada como con contra cual
        cuales cuando de del desde donde durante e el él ella ellas ello ellos en entre era eran eres es esa esas ese eso esos
        esta está están estas este esto estos fue fueron ha había habían han has hasta hay he la las le les lo los más me mi
        mí mis muy nada ni no nos nosotros nuestra nuestro o os otra otras otro otros para pero poco por porque pues que
        qué quien quién se sea según ser si sí sido sin sino sobre son soy su sus también tan te tiene tienen todo todos tu tú
        tus u un una unas uno unos usted ustedes y ya yo""",
    "italian": """a ad agli ai al alla alle allo anche ancora avere aveva c che chi ci coi col come con contro cui d da dagli dai dal
        dall dalla dalle dallo degli dei del dell della delle dello di dove e è ed era erano essere fra fu gli ha hai hanno ho i
        il in io l la le lei lo loro lui ma me mentre mi mia mie miei mio ne negli nei nel nell nella nelle nello no noi non
        nostra nostro o ogni per perché più poi quale quali quando quanto quella quelle quelli quello questa queste questi
        questo qui s sarà se sei senza si sia siamo siete sono sta sta stata stati stato su sua sue sugli sui sul sull sulla sulle
        sullo suo suoi ti tra tu tua tuo tutti tutto un una uno v vi voi""",
    "portuguese": """a à ao aos aquela aquele aquilo as às até cada com como da das de dela dele deles depois do dos e é ela elas ele
        eles em entre era eram essa essas esse esses esta está estão estas este estes eu foi foram há isso isto já lhe lhes lo mais
        mas me mesmo meu meus minha muito na não nas nem no nos nós nossa nosso num numa o onde os ou para pela pelas pelo
        pelos por porque qual quando que quem se seja sem ser será seu seus só sob sobre sua suas também te tem têm teu tinha tu tua
        um uma umas uns você vocês""",
    "dutch": """aan al alle als altijd andere ben bij bent bijna daar dan dat de der deze die dit doch door dus een eens en er ge
        geen had hadden heb hebben heeft hem het hier hij hoe hun ik in is ja je jij jou jouw jullie kan kon kunnen maar me meer
        men met mij mijn moet moeten na naar niet niets nog nu of om omdat ons onze ook op over s t te tegen toch toen tot u
        uit uw van veel voor waar waren was wat we werd werden wie wij wil worden wordt zal ze zelf zich zij zijn zo zonder
        zou zouden""",
    "swedish": """alla allt än att av bara blev bli blir då de dem den denna deras dess dessa det detta dig din dina ditt du där
        efter ej eller en er era ert ett finns från för ha hade han hans har henne hennes hon honom hur här i icke ingen inom
        inte jag ju kan kunde man med mellan men mig min mina mitt mot mycket måste när nog nu någon något några och också om oss
        på samma sedan sig sin sina sitt ska skall skulle som så sådan till under upp ur ut utan vad var vara varför varit
        vår våra vårt vem vi vid vilka vilken vilket är även åt över""",
    "norwegian": """alle at av bare ble blir da de deg dem den denne der dere deres det dette di din dine disse ditt du eg eller en
        enn er et ett etter for fordi fra før ha hadde han hans har hennes henne her hun hva hvem hver hvilken hvis hvor
        hvordan hvorfor i ikke ikkje ingen inn ja jeg kan kunne man med meg mellom men mer mi min mine mitt mot må noe noen nå
        når og også om opp oss over på sa seg selv sin sine sitt skal skulle som så til ut uten var ved vi vil ville vår våre
        være vært å""",
    "danish": """af alle alt at bare blev blive bliver da de dem den denne der deres det dette dig din dine disse dit dog du efter
        eller en end er et for fordi fra før ham han hans har havde hende hendes her hun hvad hvem hver hvilken hvis hvor
        hvordan hvorfor i ikke ind ingen jeg jer jo kan kom kunne man med meget mellem men mens mere mig min mine mit mod må
        ned nej noget nogle nu når og også om op os over på selv sig sin sine sit skal skulle som så til ud uden under var
        ved vi vil ville vor vores være været""",
    "finnish": """ei eivät eli emme en ennen et että ette hän häneen hänellä hänelle hänen hänessä hänestä hänet häntä he heidän
        heidät heille heillä heitä hänen ja jo joiden joita joka jolla jolle jona jonka jos joskus josta jota jotka kanssa keiden
        keitä ken kenen ketkä ketä koska kuin kuinka kuka kun me meidän meidät meille meillä meitä mikä mille millä minkä minua
        minulla minulle minun minut minä missä mistä mitkä mitä mukaan mutta myös ne niiden niille niin niistä niitä nyt nämä
        näiden näitä noin ole olen olet oli olimme olin olisi olit olivat olla olleet ollut on ovat se sekä sen siihen siinä
        siitä sillä sille sinun sinä sitä tai tällä tämä tämän tässä tästä tätä te teidän teitä tuo tuon vaan vai vaikka vain
        yli""",
    "russian": """а без более бы был была были было быть в вам вас ведь во вот все всего всех всю вы где да даже для до его ее ей ему
        если есть еще ещё же за здесь и из или им их к как какая какой когда кого которая которое которой которого
        которые который которых кто ли либо лишь между меня мне может мой моя мы на над нам нас не него нее ней нет ни
        них но ну о об однако он она они оно от перед по под после при про с сам свои своей своего свою себе себя со
        так также такая такие такое такой там те тебя тем то того тоже той только том тот ту ты у уже хотя чего чем что чтобы эта эти
        этим этих это этого этой этом этот эту я""",
}
