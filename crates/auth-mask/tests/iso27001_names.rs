//! The default policy over names as real services have them.

use auth_mask::{Category, MaskPolicy};

#[track_caller]
fn check(category: Option<Category>, names: &str) {
    let policy = MaskPolicy::iso27001();
    for name in names.split_whitespace() {
        assert_eq!(policy.category(name), category, "{name:?}");
    }
}

#[test]
fn spellings_of_one_name_are_one_name() {
    check(
        Some(Category::Tokens),
        "accessToken access_token ACCESS-TOKEN ACCESS_TOKEN user.access.token X-Access-Token
         accesstoken AccessToken accessTokens access-token access_token_2 user[accessToken]",
    );
    assert!(MaskPolicy::iso27001().is_sensitive("Access Token"));
}

#[test]
fn credentials_are_sensitive() {
    check(
        Some(Category::Credentials),
        "password Password PASSWORD passwords newPassword old_password db_password dbPassword PGPASSWORD
         MYSQL_PWD userpassword confirmPassword passwordConfirmation passwordHash hashed_password password2
         passwd pwd pass DB_PASS smtp_pass passphrase pass_phrase sshPassphrase passcode PassCode user-passcode
         secret clientSecret client_secret AWS_SECRET_ACCESS_KEY secretAccessKey secretKey SecretString secretValue
         webhookSecret totpSecret sharedSecret credential credentials creds userCredentials
         apiKey api_key X-API-Key apikey x-goog-api-key apiKeys privateKey private_key privatekey privateKeyPem
         encryptionKey encryption_key signingKey masterKey accessKey sshKey hmacKey psk x-functions-key
         Ocp-Apim-Subscription-Key accountKey connectionString ConnectionStrings conn_str dsn plaintext
         auth authorization Authorization proxy-authorization basicAuth pin userPin newPin pinCode
         otp otpCode totp mfaCode verification_code recoveryCodes backup_codes auth_code authorizationCode
         device_code codeVerifier code_verifier seedPhrase mnemonic securityAnswer contraseña Passwort",
    );
}

#[test]
fn tokens_are_sensitive() {
    check(
        Some(Category::Tokens),
        "token tokens Token refreshToken refresh_token idToken id_token bearerToken bearer jwt JWT JWTs userJwt
         x-client-token deviceToken GITHUB_TOKEN NPM_TOKEN authToken authtoken resetToken personalAccessToken
         x-amz-security-token csrf csrfToken X-CSRF-Token xsrf-token client_assertion assertion SAMLResponse
         tokenValue accessTokenV2 access_token_hash",
    );
}

#[test]
fn sessions_are_sensitive() {
    check(
        Some(Category::Session),
        "session sessionId session_id SESSIONID sid sessid PHPSESSID JSESSIONID connect.sid ASP.NET_SessionId
         cookie cookies Cookie Set-Cookie setCookie sessionCookie session_state userSession auth_session_id",
    );
}

#[test]
fn payment_data_is_sensitive() {
    check(
        Some(Category::Payment),
        "cardNumber card_number creditCard credit_card creditcard creditCardNumber cc_number debitCard cvv cvv2 CVC cvc2
         securityCode card-security-code pan iban IBAN creditorIban accountNumber bankAccountNumber routing_number
         sortCode track2Data cardExpiry cardData",
    );
}

#[test]
fn government_ids_are_sensitive() {
    check(
        Some(Category::GovernmentId),
        "ssn SSN socialSecurityNumber social_security_number nationalId national_id passport passportNumber
         driversLicense driver_license_number taxId tax_id nino aadhaar cpf pesel hetu dob dateOfBirth birth_date
         mothersMaidenName",
    );
}

#[test]
fn health_data_is_sensitive() {
    check(
        Some(Category::Health),
        "diagnosis diagnoses medicalRecordNumber medical_record mrn bloodType allergies medications prescription
         nhsNumber healthInsuranceNumber",
    );
}

#[test]
fn innocent_names_are_shown() {
    check(
        None,
        "author authors authenticated authority authMethod auth_type oauth requiresAuth authorId authUrl
         key keys keyId kid keyboard monkey turkey primaryKey publicKey public_key sortKey partitionKey cacheKey
         foreignKey objectKey rowKey hashKey idempotencyKey Sec-WebSocket-Key sourceKey keyName apiKeyId accessKeyId
         success access account accept accuracy accountId accountType accountSid accountName occurred iccid soccer
         className class_name businessName processName passName shipping mapping typing ping opinion spinner occupation
         footprint hotpot notPresent tokenLength tokenCount token_type tokenType tokenEndpoint token_url tokenExpiresIn
         passwordPolicy passwordLength password_expires_at passwordChangedAt passwordResetUrl secretName secretVersion
         hasPassword isSecret requiresToken nextToken nextPageToken page_token continuationToken max_tokens prompt_tokens
         completion_tokens total_tokens sessionCount sessionDuration gameSession session_timeout cookiePolicy cookieConsent
         acceptCookies Access-Control-Allow-Credentials credentialId credentialType credential_type pinned mapPin gpio_pin
         passed passenger passing bypass compass passive boardingPass byPassCache cardType cardBrand cardLast4 last4
         bearerFormat jwtIssuer jwksUri otpEnabled mfaEnabled csrfEnabled ssnRequired ibanCountry WWW-Authenticate
         email emailAddress phone phoneNumber username userName user_id userId name firstName address ipAddress street
         code status statusCode error hint message id type title description method path url uri host port
         signature salt nonce certificate hash value data text content state scope role roles permissions
         correlationId requestId x-correlation-id x-client-id clientId client_id x-request-id traceparent
         healthStatus health treatment discipline stokenbury secretary secretariat secretion tokenize tokenizer keychain
         encryption encrypted signed signingAlgorithm duration responseSize requestSize statusText contentType",
    );
}

#[test]
fn contact_data_is_sensitive_where_it_is_switched_on() {
    let policy = MaskPolicy::iso27001().with(Category::Contact);
    for name in [
        "email",
        "userEmail",
        "phone_number",
        "mobile",
        "homeAddress",
        "address",
        "zip",
    ] {
        assert_eq!(policy.category(name), Some(Category::Contact), "{name:?}");
    }
    for name in ["ipAddress", "emailVerifiedAt", "phoneType", "username"] {
        assert_eq!(policy.category(name), None, "{name:?}");
    }
}

#[test]
fn names_without_words_are_innocent() {
    let policy = MaskPolicy::iso27001();
    for name in ["", " ", "_", "42", "-.-", "🦀"] {
        assert!(!policy.is_sensitive(name), "{name:?}");
    }
}
